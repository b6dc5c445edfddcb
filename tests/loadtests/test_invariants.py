"""Each wrong is found by its own invariant and by no other; too little evidence is never a pass."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_books import OPENS, SKU, Books, changed, correct_sales, entry, record

from flashcrowd.verdict import Outcome
from loadtests.history import OrderOutcome
from loadtests.invariants import Sale, judge
from loadtests.stock import StockRow

ACCEPTED, REJECTED = OrderOutcome.ACCEPTED, OrderOutcome.REJECTED


def findings(books: Books, minimum: int = 1) -> dict[str, Outcome]:
    judgement = judge(books.history, books.ledger, books.sales, books.stock, books.settled, minimum)
    return {finding.name.removeprefix("invariant/"): finding.outcome for finding in judgement.findings}


def broken(books: Books) -> set[str]:
    """The names of the invariants that don't pass."""
    return {name for name, outcome in findings(books).items() if outcome is not Outcome.PASS}


def plain(history, ledger, stock=3, **more) -> Books:
    """The books of one sale without a limit."""
    return Books(history, ledger, [Sale(SKU, stock)], [], **more)


@settings(deadline=None)
@given(correct_sales())
def test_a_correct_shop_passes_all_however_many_answers_get_lost_or_are_repeated(books):
    assert set(findings(books).values()) == {Outcome.PASS}
    assert len(findings(books)) == 12


def pick(data: st.DataObject, books: Books, outcome: OrderOutcome, reason: str = ""):
    """One order of the history, with this outcome and reason, that was sent once."""
    keys = [row.key for row in books.history]
    found = [r for r in books.history if (r.outcome, r.reason) == (outcome, reason) and keys.count(r.key) == 1]
    return data.draw(st.sampled_from(found)) if found else None


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_an_accepted_order_that_is_not_stored_is_lost(books, data):
    victim = data.draw(st.sampled_from([row.key for row in books.history if row.outcome is ACCEPTED]))
    assert broken(books.but(ledger=[row for row in books.ledger if row.key != victim])) == {"lost"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_an_order_that_is_stored_again_is_a_duplicate_even_where_it_takes_stock_and_passes_the_limit(books, data):
    twice = data.draw(st.sampled_from(books.ledger))
    assert broken(books.but(ledger=[*books.ledger, changed(twice, order_id="o-again")])) == {"duplicate"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_an_answer_with_another_number_than_the_stored_one_is_no_replay(books, data):
    victim = data.draw(st.sampled_from([row.key for row in books.history if row.outcome is ACCEPTED]))
    renamed = [changed(row, order_id="o-other") if row.key == victim else row for row in books.ledger]
    assert broken(books.but(ledger=renamed)) == {"replay"}
    replayed = [*books.history, record(victim, order_id="o-other", user="greedy")]
    assert broken(books.but(history=replayed)) == {"replay"}
    refused = [*books.history, record(victim, "rejected", "sold_out")]
    assert broken(books.but(history=refused)) == {"replay"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_more_than_the_stock_is_oversold(books, data):
    wave = data.draw(st.sampled_from([0, 1]))
    named = books.ledger[0].sale_id
    more = [entry(f"x{n}", sale_id=f"wave-{wave}" if named else "") for n in range(data.draw(st.integers(1, 12)))]
    assert broken(books.but(ledger=[*books.ledger, *more])) == {"oversold"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_a_target_that_has_sold_more_than_it_had_has_oversold_whatever_its_other_figures_are(books, data):
    row = books.stock[0]
    wrong = changed(row, sold=row.initial + 1, remaining=data.draw(st.integers(-2, 2)))
    assert broken(books.but(stock=[wrong, books.stock[1]])) == {"oversold"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_stock_that_is_left_where_somebody_was_turned_away_is_undersold(books, data):
    last = books.sales[1]
    shelf = [books.sales[0], Sale(SKU, last.stock + 30, last.opened_at, last.sale_id, last.limit)]
    assert broken(books.but(sales=shelf)) == {"undersold"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_a_rejected_order_that_is_stored_is_found(books, data):
    """Its unit is still there: the shop has stored what it should not, and took nothing for it."""
    victim = pick(data, books, REJECTED, "sold_out")
    named = books.ledger[0].sale_id
    wave = int(victim.key[0])
    gone = next((row for row in books.ledger if row.key in _unclear(books) and row.key[0] == victim.key[0]), None)
    ledger = [row for row in books.ledger if row is not gone]
    stored = entry(victim.key, user=victim.user, sale_id=f"wave-{wave}" if named else "")
    found = broken(books.but(ledger=[*ledger, stored]))
    assert found == ({"rejected-but-stored"} if gone else {"rejected-but-stored", "oversold"})


def _unclear(books: Books) -> set[str]:
    return {row.key for row in books.history if row.outcome is OrderOutcome.UNKNOWN}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_more_than_one_user_may_have_passes_the_limit(books, data):
    """The order of somebody else goes to one who has had enough."""
    greedy = {row.sale_id for row in books.ledger if row.user == "greedy"}
    others = [row for row in books.ledger if row.user != "greedy" and row.sale_id in greedy]
    if not books.ledger[0].sale_id or not others:
        return
    taken = data.draw(st.sampled_from(others))
    ledger = [changed(row, user="greedy") if row is taken else row for row in books.ledger]
    assert broken(books.but(ledger=ledger)) == {"limit"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_units_that_do_not_add_up_or_are_less_than_nothing_are_found_in_the_targets_own_figures(books, data):
    row = books.stock[1]
    missing = [books.stock[0], changed(row, reserved=row.reserved + data.draw(st.integers(1, 5)))]
    assert broken(books.but(stock=missing)) == {"conservation"}
    negative = [changed(row, remaining=-1), books.stock[0]]
    assert broken(books.but(stock=negative)) == {"negative-stock"}


@settings(deadline=None)
@given(correct_sales(), st.data())
def test_nothing_is_lost_or_undersold_while_the_ledger_still_grows(books, data):
    victim = data.draw(st.sampled_from([row.key for row in books.history if row.outcome is ACCEPTED]))
    found = findings(books.but(ledger=[row for row in books.ledger if row.key != victim], settled=False))
    assert {name for name, outcome in found.items() if outcome is not Outcome.PASS} == {"lost", "drained"}
    assert found["lost"] is found["drained"] is Outcome.INCONCLUSIVE


def test_more_than_the_stock_names_the_orders_beyond_it_with_all_that_traces_them():
    keys = [str(number) for number in range(15)]
    judgement = judge([record(key) for key in keys], [entry(key) for key in keys], [Sale(SKU, 3)], minimum=1)
    (finding,) = [row for row in judgement.findings if row.outcome is Outcome.FAIL]
    assert finding.name == "invariant/oversold"
    assert finding.message == f"12 units were sold beyond the stock: 15 of 3 {SKU}"
    assert [row["key"] for row in finding.evidence["orders"]] == keys[3:13]
    assert finding.evidence["orders"][0] == {
        "key": "3",
        "user": "user-3",
        "order_id": "o-3",
        "sku": SKU,
        "quantity": 1,
        "sale_id": "",
        "outcome": "accepted",
        "reason": "",
        "status": 201,
        "attempts": 1,
        "start": 10.0,
        "end": 10.1,
        "traceparent": "00-3",
    }
    assert judgement.summary.oversold == 12


def test_a_quantity_that_crosses_the_stock_counts_by_its_units():
    judgement = judge([record("a")], [entry("a", quantity=5)], [Sale(SKU, 3)], minimum=1)
    assert judgement.summary.oversold == 2


def test_one_wave_oversold_is_found_though_another_has_units_left():
    sales = [Sale(SKU, 1, OPENS[0], "w0"), Sale(SKU, 5, OPENS[1], "w1")]
    history = [record("a"), record("b"), record("c", start=20.0, end=20.1)]
    ledger = [entry("a", sale_id="w0"), entry("b", sale_id="w0"), entry("c", sale_id="w1")]
    judgement = judge(history, ledger, sales, minimum=1)
    assert judgement.findings[0].message.endswith("2 of 1 lipstick-01 in wave 1, 1 of 5 lipstick-01 in wave 2")
    assert judgement.findings[0].outcome is Outcome.FAIL


def test_being_turned_away_before_the_last_opening_proves_no_undersale():
    history = [record("a"), record("b", "rejected", "sold_out"), record("c", "rejected", "limited")]
    assert "undersold" in broken(plain(history, [entry("a")], stock=2))
    late = Books(history, [entry("a")], [Sale(SKU, 2, opened_at=11.0)], [])
    assert findings(late)["undersold"] is Outcome.INCONCLUSIVE


def test_units_that_an_order_without_an_answer_may_have_held_are_no_undersale():
    history = [record("a"), record("b", "rejected", "sold_out"), record("c", "unknown")]
    assert findings(plain(history, [entry("a")], stock=2))["undersold"] is Outcome.INCONCLUSIVE
    assert findings(plain(history, [entry("a")], stock=3))["undersold"] is Outcome.FAIL


def test_a_shop_that_answers_nobody_has_not_protected_its_stock():
    found = findings(plain([record(str(n), "unknown") for n in range(20)], [], stock=5))
    assert found["undersold"] is Outcome.INCONCLUSIVE
    assert Outcome.PASS not in {found[name] for name in ("lost", "duplicate", "rejected-but-stored", "activity")}


def test_checks_that_saw_too_little_say_what_was_missing():
    judgement = judge([record("a")], [entry("a")], [Sale(SKU, 100, limit=1)], minimum=1)
    unclear = {row.name: row.message for row in judgement.findings if row.outcome is Outcome.INCONCLUSIVE}
    assert unclear == {
        "invariant/oversold": f"nothing was wanted beyond the stock (1 of 100 {SKU} wanted): send more viewers",
        "invariant/undersold": f"nobody had to be turned away (1 of 100 {SKU} wanted): send more viewers",
        "invariant/rejected-but-stored": "no order was rejected: send more viewers than there is stock",
        "invariant/limit": f"nobody was turned away for wanting more than a user may have (1 {SKU})",
    }


def test_what_the_run_had_no_part_in_is_left_out():
    found = findings(Books([record("a", sku="soap")], [entry("a", sku="soap")], [], [], settled=None))
    assert set(found) == {"lost", "duplicate", "replay", "unknown", "activity"}
    assert set(found.values()) == {Outcome.PASS}


def test_ordinary_goods_have_no_stock_to_exceed():
    judgement = judge([record("a", sku="soap")], [entry("a", sku="soap")], [Sale(SKU, 1)], minimum=1)
    assert judgement.summary.sold == {SKU: 0}
    assert judgement.summary.oversold == 0


@pytest.mark.parametrize("history", [[], [record(str(n), "unknown") for n in range(200)]])
def test_too_little_activity_is_inconclusive(history):
    assert findings(Books(history, [], [], []), minimum=100)["activity"] is Outcome.INCONCLUSIVE


def test_unknown_orders_may_be_stored_once_and_strangers_and_replays_are_counted():
    history = [record("a"), record("a"), record("b", "unknown"), record("c", "unknown")]
    summary = judge(history, [entry("a"), entry("b"), entry("x")], [Sale(SKU, 5)]).summary
    assert (summary.unknown, summary.unknown_stored, summary.foreign, summary.stored) == (2, 1, 1, 3)


def test_the_comparison_reads_each_side_once():
    judgement = judge(iter([record("a")]), iter([entry("a")]), iter([Sale(SKU, 1)]), minimum=1)
    assert judgement.summary.accepted == 1


def test_a_user_over_all_waves_is_what_a_ledger_without_sales_allows_to_check():
    sales = [Sale(SKU, 9, opens, f"w{opens}", limit=1) for opens in OPENS]
    ledger = [entry(str(n), user="u") for n in range(3)]
    judgement = judge([record(str(n), user="u") for n in range(3)], ledger, sales, minimum=1)
    (limit,) = [row for row in judgement.findings if row.name == "invariant/limit"]
    assert limit.message == f"1 units went to users who had had enough (at most 2 {SKU})"


def test_a_negative_sale_that_was_oversold_is_named_once():
    books = plain([record("a"), record("b")], [entry("a"), entry("b")], stock=1)
    assert broken(books.but(stock=[StockRow(SKU, 1, -1, 2)])) == {"oversold", "rejected-but-stored"}
