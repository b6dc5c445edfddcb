"""The parts of an order that need no network: history, ledger, identities, templates, classification."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.errors import InputError, NeedError
from flashcrowd.target import Identities, Order
from loadtests.backoff import full_jitter
from loadtests.history import HistoryWriter, OrderOutcome, OrderRecord, file_of, read_history
from loadtests.identities import IdentityPool, count
from loadtests.ledger import LedgerEntry, parse_entry, read_ledger
from loadtests.paths import parse_path, read_path
from loadtests.shop import classify
from loadtests.variables import Variables, traceparent

ORDER = Order.model_validate({"request": {"path": "/orders", "json": {"sku": "${sku}", "quantity": "${quantity}"}}})
records = st.builds(
    OrderRecord,
    start=st.floats(0, 1e10),
    end=st.floats(0, 1e10),
    key=st.text(),
    user=st.text(),
    sku=st.text(),
    quantity=st.integers(1, 9),
    outcome=st.sampled_from(OrderOutcome),
    reason=st.text(),
    order_id=st.text(),
    status=st.integers(0, 599),
    attempts=st.integers(1, 5),
    traceparent=st.text(),
)


@settings(deadline=None, max_examples=30)
@given(st.lists(records, max_size=5), st.lists(records, max_size=5))
def test_a_history_of_several_workers_reads_back(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("load")
    for worker, rows in enumerate((first, second)):
        writer = HistoryWriter(file_of(folder, worker))
        for row in rows:
            writer.add(row)
        writer.flush()
    assert list(read_history(folder)) == [*first, *second]


def test_a_line_cut_off_by_a_kill_is_left_out_and_a_damaged_one_is_named(tmp_path):
    path = file_of(tmp_path, 0)
    path.write_text('{"start": 1')
    assert list(read_history(tmp_path)) == []
    path.write_text("{}\n")
    with pytest.raises(InputError, match=r"history-0.jsonl:1: is not a record"):
        list(read_history(tmp_path))


@pytest.mark.parametrize(
    ("status", "outcome", "reason", "again"),
    [
        (201, "accepted", "", False),
        (409, "rejected", "sold_out", False),
        (429, "rejected", "limited", False),
        (400, "unknown", "status 400", False),
        (503, "unknown", "status 503", True),
        (0, "unknown", "no answer in time", True),
    ],
)
def test_an_answer_means_what_the_target_file_says(status, outcome, reason, again):
    error = TimeoutError("no answer in time") if status == 0 else None
    answer = classify(ORDER, status, b'{"order_id": 7}', error, ("order_id",))
    assert (answer.outcome, answer.reason, answer.again) == (outcome, reason, again)
    assert answer.order_id == ("7" if status == 201 else "")


def test_an_order_id_is_read_by_its_path():
    assert parse_path("$.data.order_id") == ("data", "order_id")
    assert read_path(b'{"data": {"order_id": "o-1"}}', ("data", "order_id")) == "o-1"
    assert read_path(b'{"data": []}', ("data", "order_id")) == ""
    assert read_path(b"<html>", ("data",)) == ""
    for wrong in ("order_id", "$", "$.a[0]", "$..a"):
        with pytest.raises(InputError, match="is not a path of names"):
            parse_path(wrong)


def test_headers_hold_the_mark_and_the_requests_own(monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", "s3cret")
    variables = Variables("run-1", {"x-scene-id": "${run}"})
    identity = IdentityPool(Identities(generate=1)).take()
    headers = variables.headers({"Authorization": "${identity.user} ${env.SHOP_SECRET}"}, variables.of(identity))
    assert headers == {"x-scene-id": "run-1", "Authorization": "viewer-0000001 s3cret"}
    assert "s3cret" not in repr(variables)


def test_trace_contexts_are_well_formed_and_fresh():
    first, second = traceparent(), traceparent()
    version, trace, parent, flags = first.split("-")
    assert (version, len(trace), len(parent), flags) == ("00", 32, 16, "01")
    assert first != second


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 5))
def test_workers_share_the_identities_out_among_them_without_overlap(total, workers):
    taken = []
    for worker in range(workers):
        pool = IdentityPool(Identities(generate=total), worker, workers)
        with pytest.raises(NeedError, match="all identities"):
            while True:
                taken.append(pool.take().user)
    assert len(taken) == len(set(taken)) == total


def test_identities_of_a_file_have_its_columns_and_come_back(tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("user,token,city\nann,t1,Oslo\nbob,t2,Rome\n")
    source = Identities(file=file)
    pool = IdentityPool(source)
    ann = pool.take()
    assert (ann.user, ann.token, ann["city"], count(source)) == ("ann", "t1", "Oslo", 2)
    with pytest.raises(InputError, match="no column 'town'"):
        _ = ann["town"]
    pool.take()
    pool.give_back(ann)
    assert pool.take() is ann


@pytest.mark.parametrize(
    ("text", "message"),
    [("name\nann\n", "wants a header"), ("user,token\nann\n", ":2: has 1 columns, and the header has 2")],
)
def test_a_wrong_file_of_identities_is_explained(tmp_path, text, message):
    file = tmp_path / "users.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        count(Identities(file=file))


@given(st.integers(1, 10_000))
def test_a_back_off_stays_within_its_bounds(failures):
    assert 0.0 <= full_jitter(failures, 0.5, 4.0) <= min(4.0, 0.5 * 2.0 ** min(failures, 10))


def test_a_ledger_line_may_hold_more_than_we_need_but_not_less():
    line = '{"order_id": 1, "key": "k", "user": "u", "sku": "s", "quantity": 2, "at": 3}'
    assert parse_entry(line, "here") == LedgerEntry("1", "k", "u", "s", 2)
    with pytest.raises(NeedError, match="here has no 'key'"):
        parse_entry('{"order_id": 1}', "here")
    with pytest.raises(NeedError, match="here is not a JSON object"):
        parse_entry("[]", "here")


async def test_a_ledger_is_read_from_a_command(platform, guard):
    line = '{"order_id": "1", "key": "k", "user": "u", "sku": "s", "quantity": 2}'
    target = platform.target(ledger={"command": [sys.executable, "-c", f"print('{line}')"]})
    assert await read_ledger(target, guard) == [LedgerEntry("1", "k", "u", "s", 2)]
    target = platform.target(ledger={"command": [sys.executable, "-c", "raise SystemExit(3)"]})
    with pytest.raises(NeedError, match="ended with 3"):
        await read_ledger(target, guard)


async def test_a_ledger_that_cannot_be_read_is_explained(platform, guard):
    with pytest.raises(NeedError, match=r"answered 404"):
        await read_ledger(platform.target(ledger={"get": "/nowhere"}), guard)
    with pytest.raises(NeedError, match=r"can't be read"):
        await read_ledger(platform.target(url="http://127.0.0.1:1"), guard)
    with pytest.raises(InputError, match="names no ledger"):
        await read_ledger(platform.target(ledger=None), guard)
