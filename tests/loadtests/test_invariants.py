from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.verdict import Outcome
from loadtests.history import OrderOutcome, OrderRecord
from loadtests.invariants import judge
from loadtests.ledger import LedgerEntry

SKU = "lipstick-01"


def record(key: str, outcome: str = "accepted", reason: str = "", order_id: str | None = None, sku: str = SKU):
    number = f"o-{key}" if order_id is None else order_id
    return OrderRecord(
        start=10.0,
        end=10.1,
        key=key,
        user=f"user-{key}",
        sku=sku,
        quantity=1,
        outcome=OrderOutcome(outcome),
        reason=reason,
        order_id=number if outcome == "accepted" else "",
        status=201,
        attempts=1,
        traceparent=f"00-{key}",
    )


def entry(key: str, order_id: str | None = None, sku: str = SKU, quantity: int = 1) -> LedgerEntry:
    return LedgerEntry(f"o-{key}" if order_id is None else order_id, key, f"user-{key}", sku, quantity)


def broken(history, ledger, stock=3, **more):
    """The names of the invariants that don't hold."""
    judgement = judge(history, ledger, {SKU: stock}, **{"minimum": 1, **more})
    return {f.name.removeprefix("invariant/") for f in judgement.findings if f.outcome is not Outcome.PASS}


@st.composite
def correct_sales(draw: st.DrawFn) -> tuple[list[OrderRecord], list[LedgerEntry], int]:
    """What the viewers of a correct shop see, and what it stores."""
    stock, wishes = draw(st.integers(0, 8)), draw(st.lists(st.booleans(), max_size=20))
    history, ledger = [], []
    for number, answered in enumerate(wishes):
        key, stored = str(number), len(ledger) < stock
        if stored:
            ledger.append(entry(key))
        outcome = "unknown" if not answered else "accepted" if stored else "rejected"
        history.append(record(key, outcome, "sold_out" if outcome == "rejected" else ""))
    return history, draw(st.permutations(ledger)), stock


@settings(deadline=None)
@given(correct_sales())
def test_a_correct_shop_breaks_nothing_however_many_answers_get_lost(sale):
    history, ledger, stock = sale
    assert broken(history, ledger, stock) <= {"activity"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_each_wrong_is_found_by_its_own_invariant_and_by_no_other(sale, data):
    history, ledger, stock = sale
    known = {row.key for row in ledger}
    accepted = [row for row in history if row.outcome == "accepted"]
    rejected = [row for row in history if row.outcome == "rejected"]
    if accepted:
        victim = data.draw(st.sampled_from(accepted)).key
        gone = [row for row in ledger if row.key != victim]
        assert broken(history, gone, len(gone)) == {"lost"}
        twice = [*ledger, entry(victim, "o-again")]
        assert broken(history, twice, len(twice)) == {"duplicate"}
        renamed = [replace(row, order_id="o-other") if row.key == victim else row for row in ledger]
        assert broken(history, renamed, stock) == {"duplicate"}
        if len(known) == stock:
            assert broken(history, [*ledger, entry("stranger")], stock) == {"oversold"}
    if rejected:
        stored = [*ledger, entry(data.draw(st.sampled_from(rejected)).key)]
        assert broken(history, stored, len(stored)) - {"activity"} == {"rejected-but-stored"}
        assert broken(history, ledger, len(ledger) + 1) - {"activity"} == {"undersold"}


def test_more_than_the_stock_names_the_orders_beyond_it_with_their_traces():
    keys = [str(number) for number in range(15)]
    judgement = judge([record(key) for key in keys], [entry(key) for key in keys], {SKU: 3}, minimum=1)
    (finding,) = [row for row in judgement.findings if row.outcome is Outcome.FAIL]
    assert finding.name == "invariant/oversold"
    assert finding.message == "12 units were sold beyond the stock: 15 of 3 lipstick-01"
    assert [row["key"] for row in finding.evidence["orders"]] == keys[3:13]
    assert finding.evidence["orders"][0] == {
        "key": "3",
        "user": "user-3",
        "order_id": "o-3",
        "traceparent": "00-3",
    }
    assert judgement.summary.oversold == 12


def test_a_quantity_that_crosses_the_stock_counts_by_its_units():
    judgement = judge([record("a")], [entry("a", quantity=5)], {SKU: 3}, minimum=1)
    assert judgement.summary.oversold == 2


def test_being_turned_away_before_the_last_opening_proves_no_undersale():
    history = [record("a"), record("b", "rejected", "sold_out")]
    assert broken(history, [entry("a")], stock=2) == {"undersold"}
    assert broken(history, [entry("a")], stock=2, opened_at={SKU: 11.0}) == set()


def test_stock_that_nobody_wanted_is_not_undersold():
    assert broken([record("a")], [entry("a")], stock=100) == set()


def test_ordinary_goods_have_no_stock_to_exceed():
    judgement = judge([record("a", sku="soap")], [entry("a", sku="soap")], {SKU: 1}, minimum=1)
    assert judgement.summary.sold == {SKU: 0}
    assert judgement.summary.oversold == 0


@pytest.mark.parametrize("history", [[], [record(str(n), "unknown") for n in range(200)]])
def test_too_little_activity_is_inconclusive(history):
    assert broken(history, [], minimum=100) == {"activity"}


def test_unknown_orders_may_be_stored_once_and_strangers_are_counted():
    history = [record("a"), record("b", "unknown"), record("c", "unknown")]
    summary = judge(history, [entry("a"), entry("b"), entry("x")], {SKU: 5}).summary
    assert (summary.unknown, summary.unknown_stored, summary.foreign, summary.stored) == (2, 1, 1, 3)


def test_the_comparison_reads_each_side_once():
    judgement = judge(iter([record("a")]), iter([entry("a")]), {SKU: 1}, minimum=1)
    assert judgement.summary.accepted == 1
