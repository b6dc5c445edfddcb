from __future__ import annotations

import pytest

from flashcrowd.rundir import Event
from flashcrowd.verdict import Outcome
from gamedays import gameday
from gamedays.phases import phases
from gamedays.report import terminal


def event(time: float, what: str, **data: object) -> Event:
    source, _, kind = what.partition("/")
    return Event(time, source, kind, dict(data))


def fault(time: float, kind: str, name: str) -> Event:
    return event(time, f"fault/{kind}", id=name, fault="network.latency", on=name)


def step(time: float, section: str = "Mitigation") -> Event:
    return event(time, "runbook/step_start", runbook="order-latency", section=section, step="reserve-blocks")


STARTED = event(0, "conductor/started")
PLAYS = {
    "nothing is broken": ([STARTED], "baseline 0-100"),
    "never started": ([], ""),
    "a fault that is mitigated": (
        [STARTED, fault(10, "injected", "a"), step(12, "Diagnosis"), step(15), step(16), fault(40, "healed", "a")],
        "baseline 0-10, fault 10-15, mitigation 15-40, recovery 40-100",
    ),
    "a fault that nobody mitigates": (
        [STARTED, fault(10, "injected", "a"), fault(40, "healed", "a"), step(50)],
        "baseline 0-10, fault 10-40, recovery 40-100",
    ),
    "one after the other": (
        [STARTED, *(fault(at, kind, "a") for at, kind in ((10, "injected"), (20, "healed"), (50, "injected")))],
        "baseline 0-10, fault 10-20, recovery 20-50, fault 50-100",
    ),
    "one beside the other": (
        [
            STARTED,
            *(fault(10, "injected", "a"), step(12), fault(20, "injected", "b"), fault(30, "healed", "a")),
            *(step(35), fault(40, "healed", "b")),
        ],
        "baseline 0-10, fault 10-12, mitigation 12-20, fault 20-35, mitigation 35-40, recovery 40-100",
    ),
}


@pytest.mark.parametrize(("events", "told"), PLAYS.values(), ids=PLAYS)
def test_a_run_has_its_phases_in_order(events, told):
    assert ", ".join(f"{one.name} {one.start:g}-{one.end:g}" for one in phases(events, 100.0)) == told


def test_the_verdict_and_the_last_screen_say_how_long_each_was(judged):
    ended = judged()
    found = next(one for one in ended.verdict.findings if one.name == "run/phases")
    assert found.outcome is Outcome.PASS
    assert found.message.startswith("baseline 50 s, fault 7.")
    assert found.message.endswith(" s, mitigation 53 s, recovery 12 s")
    assert "Phases   baseline 50 s · fault 7." in terminal.write(ended.story, ended.verdict)


def test_without_a_baseline_nothing_is_sure(rehearsed):
    run = rehearsed()
    log = run.path / "events.jsonl"
    log.write_text(log.read_text().replace('"time": 1800000000.0', '"time": 1800000049.9'))
    (found,) = [one for one in gameday.judge(run.path).verdict.findings if one.name == "run/phases"]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.message.startswith("there was no baseline: nothing to compare with; baseline 100 ms, fault 7.")
