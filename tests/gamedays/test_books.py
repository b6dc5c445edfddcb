"""The target's own records: scheduled beforehand, read at rest afterwards, kept in the run directory."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from flashcrowd.verdict import Outcome
from gamedays.judging.orders import judge_orders, judge_others
from gamedays.playing import books
from gamedays.playing.books import at_rest, known_orders, save_books
from gamedays.playing.schedule import Schedule
from gamedays.verbs.openings import draw, sale
from loadtests.draw_ledger import Win, parse_win
from loadtests.ledger import LedgerEntry, saved_orders
from loadtests.records import NotReadyError

GUARD = Guard(["127.0.0.1"], file="the test")
OLD = LedgerEntry("o-0", "old", "u", "mug", 1)
NEW = LedgerEntry("o-1", "new", "u", "mug", 1, "sale-1")


class Platform:
    """A target whose answers are given by path; of several, one after the other, and the last for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, str]]] = {}
        self.posted: list[tuple[str, Any]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = outer.answers.get(self.path, [(404, "")])
                status, text = given.pop(0) if len(given) > 1 else given[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.posted.append((self.path, body))
                self.send_response(outer.answers.get(self.path, [(201, "")])[0][0])
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def target(self, **shop: Any) -> Target:
        order = {"request": {"path": "/orders"}}
        enter = {"path": "/draws/${draw}"}
        parts = {
            "shop": {"url": self.url, "order": order, "ledger": {"get": "/ledger"}, "sales": "/sales", **shop},
            "draw": {
                "url": self.url,
                "enter": enter,
                "result": enter,
                "draws": "/draws",
                "ledger": {"get": "/draw-ledger"},
            },
        }
        spec = {"environment": "test", "allow_hosts": ["127.0.0.1"], "max_viewers": 10, **parts}
        about = {"apiVersion": "flashcrowd/v1", "kind": "Target", "metadata": {"name": "platform"}}
        return Target.model_validate({**about, "spec": spec})


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(books, "PAUSE", 0.001)
    it = Platform()
    thread = threading.Thread(target=it.server.serve_forever, daemon=True)
    thread.start()
    yield it
    it.server.shutdown()
    it.server.server_close()


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path, "run")


def lines(*entries: LedgerEntry) -> str:
    return books.encode(entries).decode()


async def test_the_ledger_is_kept_without_the_orders_that_were_there_before(platform, run):
    platform.answers = {"/ledger": [(200, lines(OLD)), (200, lines(OLD, NEW))], "/draw-ledger": [(200, "")]}
    before = await known_orders(platform.target(), GUARD)
    await save_books(run, platform.target(), GUARD, before)
    assert list(saved_orders(run.path / "load" / "ledger.jsonl")) == [NEW]
    (read,) = run.events("ledger", "read")
    assert read.data == {"settled": True, "orders": 1}
    assert not list((run.path / "load").glob("*.part"))


async def test_the_ledger_is_read_until_two_reads_agree_and_the_target_may_ask_for_patience(platform, run):
    growing = [(503, ""), (200, ""), (503, ""), (200, lines(OLD)), (200, lines(OLD, NEW))]
    platform.answers = {"/ledger": growing, "/draw-ledger": [(200, '{"draw":"d","user":"u","prize":"cup"}\n')]}
    run.record("draw", "opened", closes_at=0.0)
    await save_books(run, platform.target(), GUARD, frozenset())
    assert list(saved_orders(run.path / "load" / "ledger.jsonl")) == [OLD, NEW]
    assert (run.path / "load" / "draw-ledger.jsonl").read_text() == '{"draw":"d","user":"u","prize":"cup"}\n'


async def test_a_ledger_that_never_comes_to_rest_is_said_to_be_so(monkeypatch):
    monkeypatch.setattr(books, "SETTLE", 0.05)
    monkeypatch.setattr(books, "PAUSE", 0.001)
    reads = iter(range(10**6))

    async def another() -> int:
        return next(reads)

    async def never() -> int:
        raise NotReadyError("not yet")

    settled, last = await at_rest(another)
    assert (settled, last > 1) == (False, True)
    with pytest.raises(NotReadyError):
        await at_rest(never)


async def test_where_no_orders_are_to_be_made_the_draws_are_kept_all_the_same(platform, run):
    platform.answers = {"/draw-ledger": [(200, '{"draw":"d","user":"u","prize":"cup"}\n')]}
    run.record("draw", "opened", draw_id="d", prizes=["cup"], closes_at=0.0)
    await save_books(run, platform.target(), GUARD, None)
    assert [path.name for path in (run.path / "load").iterdir()] == ["draw-ledger.jsonl"]
    assert [finding.name for finding in judge_others(run)] == ["invariant/draw-winners"]


async def test_stock_is_kept_where_the_target_tells_it_and_judged(platform, run):
    row = {"sku": "mug", "initial": 10, "remaining": 8, "sold": 1}
    platform.answers = {"/ledger": [(200, lines(NEW))], "/draw-ledger": [(200, "")]}
    platform.answers["/stock"] = [(200, json.dumps([row]))]
    await save_books(run, platform.target(stock="/stock"), GUARD, frozenset())
    found = {finding.name: finding for finding in judge_orders(run).findings}
    assert found["invariant/conservation"].outcome is Outcome.FAIL
    assert found["invariant/conservation"].message == (
        "the units of mug: 10 initial, 8 remaining, 1 sold, 0 reserved don't add up"
    )
    assert found["invariant/negative-stock"].outcome is found["invariant/drained"].outcome is Outcome.PASS


@pytest.mark.parametrize(("status", "text", "message"), [(404, "", "answered 404"), (200, "{}", "is no list of")])
async def test_stock_that_can_not_be_read_is_explained(platform, run, status, text, message):
    platform.answers = {"/ledger": [(200, "")], "/draw-ledger": [(200, "")], "/stock": [(status, text)]}
    with pytest.raises(NeedError, match=message):
        await save_books(run, platform.target(stock="/stock"), GUARD, frozenset())


def test_a_line_of_the_draw_ledger_may_hold_more_than_we_need_but_not_less():
    assert parse_win('{"draw": 1, "user": "u", "prize": "cup", "at": 3}', "here") == Win("1", "u", "cup")
    with pytest.raises(NeedError, match="here has no 'prize'; it needs draw, user and prize"):
        parse_win('{"draw": 1, "user": "u"}', "here")


async def test_what_is_scheduled_is_announced_to_the_target_and_recorded_as_it_opens(platform, run):
    plans = sale("lipstick-01:60@0s,10ms", 2, 60.0), draw("mug,scarf@0s", "5s", 60.0)
    start = asyncio.get_running_loop().time()
    await Schedule(*plans, platform.target(), GUARD, run).play(start)
    sales = [body for path, body in platform.posted if path == "/sales"]
    assert sorted(body["sale_id"] for body in sales) == [f"{run.name}-wave-1", f"{run.name}-wave-2"]
    assert {body["limit"] for body in sales} == {2}
    (drawn,) = [body for path, body in platform.posted if path == "/draws"]
    assert (drawn["prizes"], drawn["closes_at"] - drawn["opens_at"]) == (["mug", "scarf"], 5.0)
    assert {event.data["sale_id"] for event in run.events("sale", "opened")} == {body["sale_id"] for body in sales}
    (opened,) = run.events("draw", "opened")
    assert opened.time == pytest.approx(drawn["opens_at"], abs=0.001)


async def test_the_limit_of_the_target_holds_for_a_sale_without_one(platform, run):
    plan = sale("lipstick-01:60@0s", None, 60.0)
    await Schedule(plan, None, platform.target(limit=3), GUARD, run).play(0.0)
    assert platform.posted[0][1]["limit"] == 3


async def test_a_sale_that_the_target_refuses_ends_the_schedule(platform, run):
    platform.answers = {"/sales": [(409, "")]}
    plans = sale("lipstick-01:60@0s,50s", None, 60.0), None
    with pytest.raises(NeedError, match=r"the sale could not be scheduled at .*/sales: 409"):
        await Schedule(*plans, platform.target(), GUARD, run).play(0.0)


def test_a_target_without_the_path_can_not_schedule(platform, run):
    with pytest.raises(InputError, match=r"can't schedule a sale: give spec\.shop\.sales"):
        Schedule(sale("a:1@0s", None, 9.0), None, platform.target(sales=None), GUARD, run)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lipstick-01:60", None), "doesn't say what and when; write lipstick-01:500@10s"),
        (("lipstick-01@10s", None), "has no stock; write lipstick-01:500@10s"),
        (("lipstick-01:0@10s", None), "--sale: stock: "),
        (("lipstick-01:5@10", None), "--sale: opens_at.0: '10' has no unit"),
        (("lipstick-01:5@60s", None), "--sale: what opens at 60 s outlasts the load"),
        ((None, 3), "--limit: nothing is on sale"),
    ],
)
def test_a_sale_that_is_written_wrong_is_told_with_its_option(words, message):
    with pytest.raises(InputError) as refused:
        sale(*words, 60.0)
    assert message in str(refused.value)


def test_a_draw_is_written_with_the_number_or_the_names_of_its_prizes():
    assert draw("2@15s", "10s", 60.0).names == ["prize-1", "prize-2"]
    assert draw("mug,scarf@15s,30s", "10s", 60.0).opens_at == [15.0, 30.0]
    assert sale(None, None, 60.0) is draw(None, "10s", 60.0) is None
    with pytest.raises(InputError, match="--draw: what opens at 55 s and is open for 10 s outlasts the load"):
        draw("2@55s", "10s", 60.0)
