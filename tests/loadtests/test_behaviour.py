"""Behaviour events of the crowd against a small real platform."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from broadcaster import Broadcaster, broadcasting, until
from hypothesis import given
from hypothesis import strategies as st

from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Events
from loadtests import runner
from loadtests.behaviour import LARGEST, templates
from loadtests.crowd.answer import Answer
from loadtests.crowd.timers import Timers
from loadtests.freshness import FRESH, Freshness
from loadtests.probes import LIMIT, Probes, Wanted
from loadtests.runner import LoadSpec
from loadtests.variables import fill_json

NOTER = """
wait_time = constant(60)

@task
def act(self):
    for number in range(45):
        self.behaviour.note("like", number)
    self.behaviour.note("click", 'the "red" one')

def on_stop(self):
    self.behaviour.note("dwell", 1.5)
"""


@pytest.fixture
async def broadcaster() -> AsyncIterator[Broadcaster]:
    async with broadcasting() as one:
        yield one


async def test_events_are_sent_in_batches_and_again_with_the_same_numbers(
    broadcaster: Broadcaster,
    supervisor: Supervisor,
    run: RunDirectory,
    guard: Guard,
    spec: Callable[..., LoadSpec],
    scenario: Callable[[str], str],
) -> None:
    busy = iter([503, 0, 429, 0])
    broadcaster.misbehave = lambda path: next(busy, 0) if path == "/events" else 0
    wanted = spec(scenario(NOTER), viewers=1, duration=60.0)
    load = await runner.start(supervisor, wanted, run, broadcaster.target(), guard)
    await until(lambda: len(broadcaster.events) == 46)
    await load.stop()
    told = [event for event, _ in broadcaster.events.values()]
    assert sorted(event["value"] for event in told if event["kind"] == "like") == list(range(45))
    assert [event["value"] for event in told if event["kind"] != "like"] == ['the "red" one', 1.5]
    assert all(abs(event["at"] - time.time()) < 60 for event in told)
    assert max(broadcaster.batches) == LARGEST
    assert sum(broadcaster.batches) == 47 + 20 + 20  # two batches twice
    seen = load.result().behaviour
    assert (seen["sent"], seen["accepted"]) == (47, 47)
    assert seen["probed"] == seen["fresh"] + seen["unknown"]


async def test_the_scenario_measures_how_fresh_events_are(
    broadcaster: Broadcaster,
    supervisor: Supervisor,
    run: RunDirectory,
    guard: Guard,
    spec: Callable[..., LoadSpec],
    scenario: Callable[[str], str],
) -> None:
    body = "wait_time = constant(0.05)\n@task\ndef act(self):\n    self.behaviour.note('click')"
    wanted = spec(scenario(body), viewers=3, duration=60.0)
    load = await runner.start(supervisor, wanted, run, broadcaster.target(), guard)
    await until(lambda: sum("/events/" in path for path in broadcaster.told) > 20)
    await load.stop()
    seen = load.result().behaviour
    assert seen["visible"] == seen["fresh"] > 0
    assert broadcaster.delay is not None
    assert broadcaster.delay <= seen["freshness"]["p50"] < FRESH


def test_a_value_that_is_a_number_stays_one_and_text_is_escaped():
    number, text = templates(Events(url="http://host/events"))
    values = {"event": "e1", "kind": "like", "at": "12.5", "value": "3"}
    assert fill_json(number, values) == '{"id": "e1", "kind": "like", "at": 12.5, "value": 3}'
    assert fill_json(text, {**values, "value": '"'}) == '{"id": "e1", "kind": "like", "at": 12.5, "value": "\\""}'


class Clockwork:
    """An engine whose time is told, for probes alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.timers = Timers()
        monkeypatch.setattr("loadtests.probes.time", SimpleNamespace(time=lambda: self.now))

    def after(self, seconds: float, call: Callable[[], object]) -> Any:
        return self.timers.add(self.now + seconds, call)

    def lend(self, job: Callable[[], object], due: float | None = None) -> None:
        job()

    def run(self) -> None:
        while (due := self.timers.next_due()) is not None:
            self.now = due
            for call in self.timers.take_due(due):
                call()


def probe(
    clockwork: Clockwork, status: Callable[[float], int], visible_at: float = 0.0
) -> tuple[Freshness, list[float]]:
    """Ask for one event of second 1000 until it's over; gives what was found, and when it was asked."""
    tally, asked = Freshness(), list[float]()

    def ask(number: str) -> Answer | None:
        asked.append(clockwork.now)
        found = status(clockwork.now)
        return Answer(found, b"", (), clockwork.now, clockwork.now, clockwork.now) if found else None

    probes = Probes(clockwork, tally, ask, lambda answer: visible_at or answer.arrived)  # type: ignore[arg-type]
    probes.start(Wanted("e1", "click", 1000.0))
    clockwork.run()
    assert not probes.open
    return tally, asked


@pytest.fixture
def clockwork(monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    return Clockwork(monkeypatch)


def test_an_event_is_late_when_it_is_not_visible_after_five_seconds_and_counted_once(clockwork):
    tally, asked = probe(clockwork, lambda now: 200 if now > 1010.0 else 404)
    assert 1000.0 + FRESH in asked
    assert (tally.probes["click", "late"], tally.probes["click", "fresh"], tally.lost) == (1, 0, 0)
    assert 10.0 < tally.times.highest < 15.0


def test_an_event_that_never_becomes_visible_is_late_and_lost(clockwork):
    tally, asked = probe(clockwork, lambda now: 404)
    assert (tally.probes["click", "late"], tally.lost, tally.times.count) == (1, 1, 0)
    assert 1000.0 + LIMIT <= asked[-1] < 1000.0 + LIMIT + 5.0
    assert len(asked) < 30


def test_the_platforms_clock_counts_only_between_the_last_no_and_the_yes(clockwork):
    tally, asked = probe(clockwork, lambda now: 200 if now > 1002.0 else 404, visible_at=1.0)
    assert tally.times.highest == pytest.approx(asked[-2] - 1000.0)
    assert tally.probes["click", "fresh"] == 1


def test_an_event_that_was_shed_is_neither_fresh_nor_late(clockwork):
    tally, _ = probe(clockwork, lambda now: 410 if now > 1001.0 else 404)
    assert (tally.outcome("shed"), tally.outcome("fresh"), tally.outcome("late")) == (1, 0, 0)


def test_nothing_is_said_of_an_event_that_nobody_answered_for(clockwork):
    tally, _ = probe(clockwork, lambda now: 500 if int(now) % 2 else 0)
    assert (tally.outcome("unknown"), tally.outcome("late"), tally.lost) == (1, 0, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["fresh", "late"]), st.floats(0, 90)), max_size=30))
def test_workers_merged_are_as_one_that_saw_everything(rows):
    merged, alone = Freshness(), Freshness()
    for kind, outcome, seconds in rows:
        worker = Freshness()
        for one in (worker, alone):
            one.expect(kind)
            one.sent["accepted"] += 1
            one.probed(kind, outcome)
            one.visible(seconds)
        merged.merge(worker.as_dict())
    merged.times.total, alone.times.total = round(merged.times.total, 6), round(alone.times.total, 6)
    merged.seen.total, alone.seen.total = round(merged.seen.total, 6), round(alone.seen.total, 6)
    assert merged.as_dict() == alone.as_dict()
    assert merged.summary() == alone.summary()
