"""An abort pre-empts whatever is running: an injection, one that waits, a step of a runbook, the load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

import monitors.alerts
from chaos.undolog import UndoLog
from flashcrowd.guard import Guard
from flashcrowd.rundir import RunDirectory
from gamedays import conductor
from gamedays.conductor import Conductor
from gamedays.planning.checks import prepare
from loadtests import runner
from monitors.prometheus import Alert, Sample

TARGET = """apiVersion: flashcrowd/v1
kind: Target
metadata: {name: staging}
spec:
  environment: staging
  allow_hosts: [127.0.0.1]
  max_viewers: 9000
  live: {url: "ws://127.0.0.1:7001", say: "${text}", events: {sale.opened: {type: sale}}}
  shop: {url: "http://127.0.0.1:7002", order: {request: {path: /orders}}, ledger: {get: /ledger}}
  prometheus: {url: "http://127.0.0.1:9090"}
  components: {cache: {admin: "http://127.0.0.1:7005"}}
"""
PLAN = """apiVersion: flashcrowd/v1
kind: GameDay
metadata: {{name: friday}}
spec:
  target: target.yaml
  slos: [storefront]
  load: {{scenario: live-commerce, viewers: 9000, over: 1s, hold: 1h}}
  steps:
    - at: 0s
      fault: {{kind: command, on: cache, inject: {inject}, probe: {probe}, heal: {heal}, timeout: 60s, for: 60s}}
    - at: 30m
      fault: {{kind: command, on: cache, inject: {inject}, probe: {probe}, heal: {heal}, timeout: 60s, for: 60s}}
  abort: ['too_hot == 1']
"""
BOOK = """---
alerts: [Burn]
slo: order-latency
owner: shop on-call
severity: page
---
# Slow

## Meaning

Late.

## Impact

Waiting.

## First five minutes

Look.

## Diagnosis

Look.

## Mitigation

```sh {{"step": "mend", "timeout": "1m"}}
{script}
```

## Verification

```promql {{"step": "in-time", "expect": "> 0.3"}}
up
```

## Rollback

Nothing.

## Escalation

Call.
"""


@dataclass
class Platform:
    """Answers like a Prometheus in which we decide what holds and what fires."""

    url = "http://127.0.0.1:9090"
    hot: bool = False
    firing: list[Alert] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def alerts(self) -> list[Alert]:
        return list(self.firing)

    async def query(self, promql: str) -> list[Sample]:
        self.asked.append(promql)
        return [Sample({}, 1.0, time.time())] if promql == "up" or (self.hot and "too_hot" in promql) else []


@dataclass
class EndlessLoad:
    stopped: bool = False

    async def wait(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.stopped = True


def sleeper(file: Path) -> str:
    """A script that says who it is, and then takes its time."""
    return f"echo $$ > {file}; sleep 30"


def gone(file: Path) -> bool:
    return not psutil.pid_exists(int(file.read_text()))


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EndlessLoad:
    load = EndlessLoad()

    async def start(*_: object) -> EndlessLoad:
        return load

    monkeypatch.setattr(runner, "start", start)
    monkeypatch.setattr(conductor, "ABORT_AFTER", 2)
    monkeypatch.setattr(monitors.alerts, "watch", partial(monitors.alerts.watch, every=0.02))
    monkeypatch.setenv("FLASHCROWD_STATE", str(tmp_path / "state"))
    return load


@pytest.fixture
def played(tmp_path: Path, load: EndlessLoad) -> Callable[[str], tuple[Conductor, Platform, RunDirectory]]:
    """A conductor, the platform that it watches, and where it writes. inject: the words of the fault's command."""

    def make(inject: str) -> tuple[Conductor, Platform, RunDirectory]:
        (tmp_path / "target.yaml").write_text(TARGET)
        (tmp_path / "page.md").write_text(BOOK.format(script=sleeper(tmp_path / "step.pid")))
        broken = tmp_path / "broken"
        words = {"inject": inject, "probe": f"[test, -e, {broken}]", "heal": f"[rm, -f, {broken}]"}
        (tmp_path / "plan.yaml").write_text(PLAN.format(**words))
        prepared = prepare(str(tmp_path / "plan.yaml"))
        assert prepared.target is not None
        labels = {"sloth_slo": "order-latency", "severity": "page", "sloth_severity": "page"}
        firing = Alert("Burn", labels, {"runbook": str(tmp_path / "page.md")}, "firing", time.time() + 3600)
        platform, run = Platform(firing=[firing]), RunDirectory.create(tmp_path / "runs", "friday")
        guard = Guard.of(prepared.target, None)
        return Conductor(prepared, prepared.target, guard, platform, run, platform), platform, run

    return make


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def kinds(run: RunDirectory) -> list[str]:
    return [f"{event.source}/{event.kind}" for event in run.events()]


async def test_an_abort_ends_an_injection_a_waiting_one_a_step_and_the_load(played, load, tmp_path):
    pid = tmp_path / "inject.pid"
    playing, platform, run = played(f"[sh, -c, '{sleeper(pid)}']")
    task = asyncio.create_task(playing.play(None))
    await until(lambda: pid.exists() and pid.read_text() and (tmp_path / "step.pid").exists())
    platform.hot = True
    async with asyncio.timeout(20):  # each of them would go on for longer
        await task
    (aborted,) = run.events("conductor", "aborted")
    assert aborted.data["reason"] == "the abort condition held for 2 s: too_hot == 1"
    assert load.stopped
    assert kinds(run)[-1] == "conductor/ended"
    assert gone(pid)
    assert gone(tmp_path / "step.pid")
    assert [event.data["outcome"] for event in run.events("runbook", "ended")] == ["interrupted"]
    assert "fault/injected" not in kinds(run)
    assert len(run.events("fault", "armed")) == 1
    assert len(run.events("fault", "healed")) == 1
    assert UndoLog.default().all() == []


async def test_an_abort_heals_what_is_in_place(played, load, tmp_path):
    playing, platform, run = played(f"[touch, {tmp_path / 'broken'}]")
    task = asyncio.create_task(playing.play(None))
    await until(lambda: "fault/bites" in kinds(run))
    platform.hot = True
    async with asyncio.timeout(20):
        await task
    assert not (tmp_path / "broken").exists()
    assert load.stopped
    assert UndoLog.default().all() == []
    told = kinds(run)
    assert told.index("conductor/stopping") < told.index("fault/healed") < told.index("conductor/aborted")
    assert [event.data["phase"] for event in run.events("conductor", "phase")][:2] == ["baseline", "fault"]


async def test_a_condition_that_does_not_hold_all_the_time_aborts_nothing(played, tmp_path, monkeypatch):
    playing, platform, run = played(f"[touch, {tmp_path / 'broken'}]")
    monkeypatch.setattr(conductor, "ABORT_AFTER", 3)
    task = asyncio.create_task(playing.play(None))
    looks = 0

    def one_more() -> bool:
        nonlocal looks
        seen = platform.asked.count("too_hot == 1")
        platform.hot = seen % 2 == 1
        looks = seen
        return seen >= 4

    await until(one_more)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert looks >= 4
    assert not run.events("conductor", "aborted")
    assert not (tmp_path / "broken").exists()
