"""Run directories made by hand, of rehearsals whose stories are known: what a judge and a report have to make of them
can be said beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from flashcrowd.rundir import RunDirectory
from flashcrowd.seal import FILE as SEAL
from flashcrowd.seal import seal
from gamedays import gameday, manifest
from gamedays.gameday import Ended
from gamedays.judging.controls import Wanted
from gamedays.judging.sli import Sli
from gamedays.planning.checks import Prepared
from gamedays.story.story import CONTROLS
from loadtests.history import SOLD_OUT, HistoryWriter, OrderOutcome, OrderRecord, file_of
from loadtests.jsonlines import encode
from loadtests.ledger import LedgerEntry
from monitors.slo import Slo

START = 1_800_000_000.0
FAULT_AT, FAULT_FOR, LENGTH = 50.0, 60.0, 120.0
WAVES, STOCK, RUSH = (30.0, 60.0, 90.0), 60, 3.0
RATE = 40.0
"""Events a second, of every SLO."""

PLAN = """
apiVersion: flashcrowd/v1
kind: GameDay
metadata: {{name: "{name}"}}
spec:
  target: embedded
  slos: [storefront]
  load: {{scenario: live-commerce, viewers: 2000, over: 20s, hold: 100s}}
  sale: {{opens_at: [30s, 60s, 90s], sku: lipstick-01, stock: 60}}
  steps:
    - at: 50s
      fault: {{kind: network.latency, on: inventory, delay: 800ms, for: 60s}}
      expect: {expect}
"""
EXPECT = "{slo: order-latency, detected_within: 20s, runbook: order-latency, recovered_within: 35s}"


@dataclass(frozen=True)
class Rehearsal:
    """What happened. Seconds since the start; None is never. sealed: with all of its files, so that none may be changed
    any more; the others' seals name no file."""

    name: str = "friday"
    expect: str = EXPECT
    control: str | None = None
    injected: bool = True
    bit: bool = True
    paged: float | None = 57.0
    runbook: str | None = "order-latency"
    recovered: float | None = 66.0
    ended: str | None = None
    mitigation: str = "done"
    heal: str | None = "healed"
    prometheus_lost: float | None = None
    stood_down: str | None = None
    interrupted: float | None = None
    aborted: str | None = None
    ledger: bool = True
    lost: int = 0
    oversold: int = 0
    saturated: int = 0
    figures: bool = True
    bad_outside: float = 0.0
    rate: float = RATE
    connected: float = 2000.0
    sealed: bool = False

    def write(self, base: Path) -> RunDirectory:
        """All that such a rehearsal leaves behind."""
        prepared = _prepared(PLAN.format(name=self.name, expect=self.expect), self.control)
        run = RunDirectory.create(base, prepared.plan.name)
        manifest.write(run, prepared, "0.0.0")
        for at, source, kind, data in sorted(self._events(), key=lambda row: row[0]):
            run.record(source, kind, at=START + at, **data)
        if self.prometheus_lost is None:
            run.write_json("metrics/sli.json", [self._sli(slo).as_dict() for slo in prepared.slos])
            run.write_json("metrics/charts.json", self._charts())
        self._orders(run)
        if self.figures:
            counts = {"orders": {}, "deliveries": {}, "lag_p99": 0.005, "saturated_seconds": self.saturated}
            run.write_json("load/summary.json", counts)
            run.write_json("load/stats.json", [])
        if self.sealed:
            seal(run)
        else:
            run.write_json(SEAL, {"files": {}})
        return run

    @property
    def end(self) -> float:
        """When the load ended."""
        early = [at for at in (self.interrupted, self.prometheus_lost) if at is not None]
        return min([LENGTH, *early])

    @property
    def healed(self) -> float:
        return min(FAULT_AT + FAULT_FOR, self.end) + 0.2

    def _events(self) -> list[tuple[float, str, str, dict[str, Any]]]:
        rows: list[tuple[float, str, str, dict[str, Any]]] = [
            (-8.0, "conductor", "starting", {"target": "embedded"}),
            (0.0, "conductor", "started", {"duration": LENGTH}),
        ]
        for number, opens in enumerate(WAVES, 1):
            sale = {"wave": number, "sku": "lipstick-01", "stock": STOCK, "opens_at": START + opens, "room": "main"}
            rows += [(opens - 10, "sale", "scheduled", sale), (opens, "sale", "opened", sale)]
        if self.injected and self.control != "no-fault":
            rows += self._fault()
        if self.paged is not None:
            rows += self._page(self.paged)
        rows = [row for row in rows if row[0] <= self.end]
        if self.injected and self.control != "no-fault" and self.end >= FAULT_AT:
            rows += self._healing()
        return [*rows, *self._ending()]

    def _fault(self) -> list[tuple[float, str, str, dict[str, Any]]]:
        about = {"id": "f1", "fault": "network.latency", "on": "inventory", "step": 0}
        described = "network.latency on inventory, 800 ms for 1m"
        seen = ("bites", "p50 811 ms") if self.bit else ("did_not_bite", "p50 9 ms, 8 ms before, 800 ms asked")
        return [
            (FAULT_AT - 0.1, "fault", "armed", {**about, "message": "the reverter heals it if this process can't"}),
            (FAULT_AT, "fault", "injected", {**about, "message": described}),
            (FAULT_AT + 1.0, "fault", seen[0], {**about, "message": seen[1]}),
        ]

    def _healing(self) -> list[tuple[float, str, str, dict[str, Any]]]:
        about = {"id": "f1", "fault": "network.latency", "on": "inventory", "step": 0}
        if self.heal == "healed":
            healed = (self.healed, "fault", "healed", {**about, "message": "p50 9 ms again"})
            return [healed, *self._standing_down()]
        if self.heal == "failed":
            message = "the proxy is gone; by hand: curl -X DELETE http://127.0.0.1:1/toxics/f1"
            return [(self.healed, "fault", "heal_failed", {**about, "message": message})]
        return []

    def _standing_down(self) -> list[tuple[float, str, str, dict[str, Any]]]:
        about = {"runbook": self.runbook, "since": START + self.healed, "kept": []}
        if self.stood_down == "done":
            return [(self.healed + 0.3, "runbook", "stood_down", {**about, "taken_back": ["reserve-blocks"]})]
        if self.stood_down == "failed":
            by_hand = "flashcrowd runbook run order-latency --rollback a.jsonl"
            left = {**about, "left": ["reserve-blocks"], "message": "no answer within 15s", "by_hand": by_hand}
            return [(self.healed + 15, "runbook", "stand_down_failed", left)]
        return []

    def _page(self, at: float) -> list[tuple[float, str, str, dict[str, Any]]]:
        page = {"alert": "OrderLatencyBurn", "slo": "order-latency", "runbook": self.runbook, "active_at": START + at}
        rows: list[tuple[float, str, str, dict[str, Any]]] = [(at, "alert", "page", {**page, "labels": {}})]
        if self.runbook is None:
            return rows
        about = {"runbook": self.runbook, "alert": "OrderLatencyBurn"}
        if self.control == "no-runbook":
            return [*rows, (at, "runbook", "withheld", about)]
        carried_out = "carried_out" if self.control == "wrong-runbook" else None
        ended = self.ended or carried_out or ("recovered" if self.recovered else "not_recovered")
        steps = (
            ("Diagnosis", "inventory-slow", "matched", "got 0.81"),
            ("Mitigation", "reserve-blocks", self.mitigation, ""),
        )
        rows.append((at + 0.1, "runbook", "started", about))
        for number, (section, step, state, message) in enumerate(steps):
            about_step = {"runbook": self.runbook, "section": section, "step": step}
            rows.append((at + 0.2 + number / 5, "runbook", "step_start", about_step))
            done = {**about_step, "state": state, "message": message, "output": "", "seconds": 0.1}
            rows.append((at + 0.3 + number / 5, "runbook", "step_end", done))
        in_place = ["reserve-blocks"] if self.recovered else []
        done = {"runbook": self.runbook, "outcome": ended, "message": "orders-in-time: 0.02", "in_place": in_place}
        return [*rows, (at + 9.0, "runbook", "ended", done)]

    def _ending(self) -> list[tuple[float, str, str, dict[str, Any]]]:
        rows: list[tuple[float, str, str, dict[str, Any]]] = [(self.end + 2.0, "conductor", "ended", {})]
        if self.interrupted is not None:
            rows.append((self.end + 4.0, "conductor", "interrupted", {}))
        if self.prometheus_lost is not None:
            rows.append((self.end + 1.0, "conductor", "prometheus_lost", {"message": "it did not answer"}))
            reason = "Prometheus is gone, and nobody would see what happens next: it did not answer"
            rows.append((self.end + 1.5, "conductor", "aborted", {"reason": reason}))
            lost = {"what": "metrics", "reason": "prometheus did not answer within 5 s"}
            rows.append((self.end + 9.0, "conductor", "not_collected", lost))
        elif self.aborted is not None:
            rows.append((self.end + 1.5, "conductor", "aborted", {"reason": self.aborted}))
        return rows

    def _sli(self, slo: Slo) -> Sli:
        return Sli(slo.name, 1.0, tuple((START + at, *self._second(slo.name, at)) for at in range(-3, int(self.end))))

    def _second(self, slo: str, at: float) -> tuple[float, float]:
        """Bad and all events of one second."""
        slow = self.recovered if self.recovered is not None else self.healed
        hit = slo == "order-latency" and self.injected and self.bit and self.control != "no-fault"
        if hit and FAULT_AT <= at < slow:
            return self.rate / 2, self.rate
        return (self.rate * self.bad_outside if slo == "order-latency" else 0.0), self.rate

    def _charts(self) -> list[dict[str, Any]]:
        seconds = [START + at for at in range(int(self.end))]
        shown = (
            ("Viewers", "connected", "viewers", self.connected),
            ("Orders", "accepted", "orders/s", 31.0),
            ("Order latency", "p99", "seconds", 0.084),
        )
        return [
            {"panel": panel, "series": series, "unit": unit, "query": "up", "points": [[at, value] for at in seconds]}
            for panel, series, unit, value in shown
        ]

    def _orders(self, run: RunDirectory) -> None:
        """What the viewers and what the shop wrote down; `lost` orders are missing in the ledger."""
        records = [
            _order(f"w{wave}-{number}", opens + RUSH * number / STOCK, "lipstick-01")
            for wave, opens in enumerate(WAVES, 1)
            for number in range(STOCK)
            if opens + RUSH <= self.end
        ]
        records += [
            _order(f"late-{number}", 95.0, "lipstick-01", OrderOutcome.REJECTED, SOLD_OUT)
            for number in range(15)
            if self.end > 95.0
        ]
        records += [_order(f"o{number}", number / 2, "mug-01") for number in range(120) if number / 2 < self.end]
        records += [_order(f"u{number}", 20.0, "mug-01", OrderOutcome.UNKNOWN, "timeout") for number in range(3)]
        writer = HistoryWriter(file_of(run.path / "load", 0))
        for record in records:
            writer.add(record)
        writer.flush()
        if self.ledger:
            stored = [record for record in records if record.outcome is OrderOutcome.ACCEPTED][self.lost :]
            entries = [LedgerEntry(row.order_id, row.key, row.user, row.sku, 1) for row in stored]
            entries += [LedgerEntry(f"x{n}", f"x{n}", "u", "lipstick-01", 1) for n in range(self.oversold)]
            run.write_text("load/ledger.jsonl", encode(entries).decode())


@cache
def _prepared(plan: str, control: str | None) -> Prepared:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "plan.yaml"
        file.write_text(plan)
        return gameday.prepare(str(file), control)


def _order(
    key: str, at: float, sku: str, outcome: OrderOutcome = OrderOutcome.ACCEPTED, reason: str = ""
) -> OrderRecord:
    return OrderRecord(
        start=START + at,
        end=START + at + 0.08,
        key=key,
        user=f"user-{key}",
        sku=sku,
        quantity=1,
        outcome=outcome,
        reason=reason,
        order_id=f"id-{key}" if outcome is OrderOutcome.ACCEPTED else "",
        status=201 if outcome is OrderOutcome.ACCEPTED else 409,
        attempts=1,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


@pytest.fixture
def rehearsed(tmp_path: Path) -> Callable[..., RunDirectory]:
    """Writes the run directory of a rehearsal; the words are fields of `Rehearsal`."""
    return lambda **story: replace(Rehearsal(), **story).write(tmp_path)


@pytest.fixture
def rehearsed_in() -> Callable[..., RunDirectory]:
    """The same, into a folder that is given."""
    return lambda folder, **story: replace(Rehearsal(), **story).write(folder)


@pytest.fixture
def judged(rehearsed: Callable[..., RunDirectory]) -> Callable[..., Ended]:
    """Writes one and judges it."""
    return lambda **story: gameday.judge(rehearsed(**story).path)


@pytest.fixture
def with_controls(tmp_path: Path) -> Callable[..., RunDirectory]:
    """Writes the run directory of a rehearsal, and in it those of the controls that were played with it."""

    def write(*told: dict[str, object], **story: object) -> RunDirectory:
        run = replace(Rehearsal(), **story).write(tmp_path)
        Wanted(tuple(str(one["control"]) for one in told)).save(run)
        for one in told:
            replace(Rehearsal(), **one).write(run.path / CONTROLS)
        return run

    return write
