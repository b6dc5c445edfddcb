from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

import monitors.alerts
from flashcrowd.guard import Guard
from flashcrowd.rundir import Event, RunDirectory
from gamedays.planning import wrongbook
from gamedays.playing.allclear import AllClear
from gamedays.playing.oncall import Instead, OnCall
from monitors.prometheus import Alert, Sample
from runbooks.parser import read_runbook

PAGE = """---
alerts: [OrderLatencyBurn]
slo: order-latency
owner: shop on-call
severity: page
---
# Orders are slow

## Meaning

Orders are late.

## Impact

Buyers wait.

## First five minutes

Look at the orders.

## Diagnosis

Is it slow?

```promql {{"step": "is-slow", "expect": "> 0.3"}}
up
```

## Mitigation

Mend it.

```sh {{"step": "mend", "undo": "take-back"}}
{script}
```

## Verification

Orders are in time.

```promql {{"step": "in-time", "expect": "> 0.3"}}
up
```

## Rollback

Take it back.

```sh {{"step": "take-back"}}
{undo}
```

## Escalation

Call the architect.
"""


@dataclass
class Pager:
    """Answers like a Prometheus in which somebody else decides what fires."""

    firing: list[Alert] = field(default_factory=list)

    async def alerts(self) -> list[Alert]:
        return list(self.firing)

    async def query(self, promql: str) -> list[Sample]:
        return [Sample({}, 1.0, time.time())]


def alert(
    runbook: str | Path | None, window: str = "1h", active_at: float = 100.0, slo: str = "order-latency"
) -> Alert:
    labels = {"sloth_slo": slo, "severity": "page", "sloth_severity": "page", "window": window}
    return Alert("OrderLatencyBurn", labels, {} if runbook is None else {"runbook": str(runbook)}, "firing", active_at)


@dataclass
class Shift:
    """An on-call engineer at work, and what they have noted."""

    pager: Pager
    run: RunDirectory
    engineer: OnCall

    def events(self, *kinds: str) -> list[Event]:
        return [event for event in self.run.events() if f"{event.source}/{event.kind}" in kinds]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.02)


@pytest.fixture
def run_directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "runs", "shift")


@pytest.fixture
async def on_shift(run_directory: RunDirectory, monkeypatch: pytest.MonkeyPatch):
    """Starts an engineer, who looks at the pager all the time and is sent home at the end of the test."""
    monkeypatch.setattr(monitors.alerts, "watch", partial(monitors.alerts.watch, every=0.02))
    at_work: list[asyncio.Task[None]] = []

    def start(*firing: Alert, withheld: bool = False, instead: Instead | None = None) -> Shift:
        pager = Pager(list(firing))
        engineer = OnCall(pager, Guard(()), {}, run_directory, withheld, instead=instead, target=("shop", "shop.yaml"))
        at_work.append(asyncio.create_task(engineer.watch(since=0.0)))
        return Shift(pager, run_directory, engineer)

    yield start
    for task in at_work:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def runbook(tmp_path: Path) -> Callable[[str], Path]:
    def write(script: str, undo: str = "true", name: str = "quick") -> Path:
        file = tmp_path / f"{name}.md"
        file.write_text(PAGE.format(script=script, undo=undo))
        return file

    return write


async def test_a_page_is_noted_and_its_runbook_followed(on_shift, runbook):
    shift = on_shift(alert(runbook("true")))
    await shift.until(lambda: shift.events("runbook/ended"))
    (page,) = shift.events("alert/page")
    assert (page.data["alert"], page.data["slo"]) == ("OrderLatencyBurn", "order-latency")
    (ended,) = shift.events("runbook/ended")
    assert ended.data["outcome"] == "recovered"
    steps = {event.data["step"]: event.data["state"] for event in shift.events("runbook/step_end")}
    assert steps == {"is-slow": "matched", "mend": "done", "in-time": "done"}
    told = {event.data["runbook"] for event in shift.run.events("runbook")}
    assert told == {page.data["runbook"]}, "a page's file is its name, wherever it is told of"
    assert (shift.run.path / "runbooks" / "quick.jsonl").exists()


async def test_the_pages_of_one_incident_are_answered_once_and_the_next_incident_anew(on_shift, runbook):
    page = runbook("true")
    shift = on_shift(alert(page, "1h"), alert(page, "6h"))
    await shift.until(lambda: len(shift.events("alert/page")) == 2 and shift.events("runbook/ended"))
    assert len(shift.events("runbook/started")) == 1
    shift.pager.firing = [alert(page, "6h"), alert(page, "1h", active_at=200.0)]
    await shift.until(lambda: len(shift.events("alert/page")) == 3)
    shift.pager.firing = [alert(page, "1h", active_at=300.0)]
    await shift.until(lambda: len(shift.events("runbook/ended")) == 2)
    assert len(shift.events("alert/page")) == 4
    assert len(shift.events("runbook/started")) == 2


async def test_a_withheld_runbook_is_noted_and_not_followed(on_shift, runbook, tmp_path):
    page = runbook(f"touch {tmp_path / 'acted'}")
    shift = on_shift(alert(page), alert(None, slo="order-availability"), withheld=True)
    await shift.until(lambda: len(shift.events("alert/page")) == 2)
    (withheld,) = shift.events("runbook/withheld")
    assert withheld.data["runbook"] == str(page)
    assert shift.events("runbook/started", "runbook/failed") == []
    assert not (tmp_path / "acted").exists()


async def test_an_alert_without_a_runbook_is_noted_and_nothing_is_done(on_shift):
    shift = on_shift(alert(None))
    await shift.until(lambda: shift.events("alert/page"))
    assert shift.events("runbook/started", "runbook/failed", "runbook/withheld") == []


@pytest.mark.parametrize("name", ["order-latancy", "https://wiki.example/order-latency", "missing.md"])
async def test_a_runbook_that_is_not_there_is_an_event_and_the_watch_goes_on(on_shift, runbook, name):
    shift = on_shift(alert(name))
    await shift.until(lambda: shift.events("runbook/failed"))
    (failed,) = shift.events("runbook/failed")
    assert name in failed.data["message"]
    assert shift.events("runbook/started") == []
    shift.pager.firing.append(alert(runbook("true"), slo="chat-delivery"))
    await shift.until(lambda: shift.events("runbook/ended"))


async def test_a_runbook_for_another_platform_is_an_event(on_shift):
    shift = on_shift(alert("order-latency"))
    await shift.until(lambda: shift.events("runbook/failed"))
    (failed,) = shift.events("runbook/failed")
    assert "shop.admin" in failed.data["message"]


async def test_a_step_that_fails_ends_the_runbook_and_not_the_watch(on_shift, runbook):
    shift = on_shift(alert(runbook("exit 3")))
    await shift.until(lambda: shift.events("runbook/ended"))
    (ended,) = shift.events("runbook/ended")
    assert ended.data["outcome"] == "rolled_back"


async def test_at_the_all_clear_what_was_put_in_place_is_taken_back(on_shift, runbook, tmp_path):
    shift = on_shift(alert(runbook(f"touch {tmp_path / 'mended'}", f"rm {tmp_path / 'mended'}")))
    await shift.until(lambda: shift.events("runbook/ended"))
    assert (tmp_path / "mended").exists()
    await shift.engineer.stand_down(AllClear(0.0))
    assert not (tmp_path / "mended").exists()
    (stood_down,) = shift.events("runbook/stood_down")
    assert (stood_down.data["taken_back"], stood_down.data["kept"]) == (["mend"], [])
    await shift.engineer.stand_down(AllClear(0.0))
    assert len(shift.events("runbook/stood_down", "runbook/stand_down_failed")) == 1


async def test_a_step_without_an_undo_has_nothing_to_take_back_and_that_is_said_once(on_shift, runbook):
    page = runbook("true")
    mend, rollback, rest = page.read_text().replace(', "undo": "take-back"', "").partition("## Rollback")
    page.write_text(mend + rollback + "\n\nA restart can't be undone.\n\n" + rest[rest.index("## Escalation") :])
    shift = on_shift(alert(page))
    await shift.until(lambda: shift.events("runbook/ended"))
    for _ in range(2):
        await shift.engineer.stand_down(AllClear(0.0))
    (stood_down,) = shift.events("runbook/stood_down")
    assert (stood_down.data["taken_back"], stood_down.data["kept"]) == ([], ["mend"])
    assert shift.events("runbook/stand_down_failed") == []


async def test_another_incident_goes_on_until_its_own_all_clear(on_shift, runbook):
    pages = {slo: runbook("true", name=slo) for slo in ("order-latency", "chat-delivery")}
    shift = on_shift(*(alert(page, slo=slo) for slo, page in pages.items()))
    await shift.until(lambda: len(shift.events("runbook/ended")) == 2)

    def stood_down() -> list[str]:
        return [Path(event.data["runbook"]).stem for event in shift.events("runbook/stood_down")]

    await shift.engineer.stand_down(AllClear(0.0, frozenset({"chat-delivery"})))
    assert stood_down() == ["chat-delivery"]
    await shift.engineer.stand_down(AllClear(time.time() + 60))
    assert stood_down() == ["chat-delivery"], "what was done before the first fault stays"
    await shift.engineer.stand_down(AllClear(0.0))
    assert stood_down() == ["chat-delivery", "order-latency"]


async def test_a_runbook_that_is_still_followed_ends_at_the_all_clear(on_shift, runbook, tmp_path):
    shift = on_shift(alert(runbook(f"touch {tmp_path / 'begun'}; exec sleep 60", f"touch {tmp_path / 'undone'}")))
    await shift.until((tmp_path / "begun").exists)
    await shift.engineer.stand_down(AllClear(0.0))
    (ended,) = shift.events("runbook/ended")
    assert (ended.data["outcome"], ended.data["in_place"]) == ("interrupted", ["mend"])
    assert (tmp_path / "undone").exists()
    (stood_down,) = shift.events("runbook/stood_down")
    assert stood_down.data["taken_back"] == ["mend"]


async def test_the_answer_to_a_breach_from_before_the_all_clear_is_taken_back_at_its_end(on_shift, runbook):
    shift = on_shift()
    await shift.engineer.stand_down(AllClear(0.0))
    shift.pager.firing.append(alert(runbook("true"), active_at=time.time() - 5))
    await shift.until(lambda: shift.events("runbook/stood_down"))
    shift.pager.firing = [alert(runbook("true"), active_at=time.time() + 5)]
    await shift.until(lambda: len(shift.events("runbook/ended")) == 2)
    assert len(shift.events("runbook/stood_down")) == 1, "the second breach is a new one"


async def test_what_cannot_be_taken_back_is_said_with_its_command_and_tried_again(on_shift, runbook, tmp_path):
    page = runbook("true", f"test -e {tmp_path / 'possible'}")
    shift = on_shift(alert(page))
    await shift.until(lambda: shift.events("runbook/ended"))
    await shift.engineer.stand_down(AllClear(0.0))
    (failed,) = shift.events("runbook/stand_down_failed")
    assert failed.data["left"] == ["mend"]
    audit = shift.run.path / "runbooks" / "quick.jsonl"
    assert failed.data["by_hand"] == f"flashcrowd runbook run {page} --rollback {audit} --target shop.yaml"
    (tmp_path / "possible").touch()
    await shift.engineer.stand_down(AllClear(0.0))
    assert [event.data["taken_back"] for event in shift.events("runbook/stood_down")] == [["mend"]]


async def test_in_the_control_another_runbook_is_followed_whatever_its_diagnosis_says(on_shift, runbook, tmp_path):
    right, wrong = runbook("exit 3", name="right"), runbook(f"touch {tmp_path / 'acted'}", name="wrong")
    wrong.write_text(wrong.read_text().replace("> 0.3", "> 9"))
    shift = on_shift(alert(right), instead=lambda name: wrongbook.forced(read_runbook(wrong)))
    await shift.until(lambda: shift.events("runbook/ended"))
    (started,) = shift.events("runbook/started")
    assert (started.data["runbook"], started.data["instead_of"]) == ("wrong", str(right))
    assert [event.data["step"] for event in shift.events("runbook/step_end")] == ["mend"]
    (ended,) = shift.events("runbook/ended")
    assert (ended.data["outcome"], ended.data["in_place"]) == ("carried_out", ["mend"])
    assert (tmp_path / "acted").exists()
