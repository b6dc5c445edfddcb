"""Timetable: what a plan will do and touch, before it does."""

from __future__ import annotations

from flashcrowd.units import about, clock
from gamedays.checks import Prepared
from gamedays.plan import FaultStep
from gamedays.report.terminal import wrap

Row = tuple[float, str, str]
"""Seconds since the start, a label, and what happens."""


def text(prepared: Prepared) -> str:
    """The plan's timeline, and below it what will be touched."""
    plan, spec = prepared.plan, prepared.plan.spec
    load = spec.load
    rows: list[Row] = [(0.0, load.shape, f"{load.describe()}, scenario {load.scenario}")]
    if spec.sale is not None:
        opens = f"{spec.sale.stock:,} of {spec.sale.sku} go on sale"
        rows += [(at, f"sale, wave {number}", opens) for number, at in enumerate(spec.sale.opens_at, 1)]
    if spec.draw is not None:
        opens = f"{len(spec.draw.names):,} prizes, entries for {about(spec.draw.closes_after)}"
        rows += [(at, "draw", opens) for at in spec.draw.opens_at]
    for step in spec.steps:
        rows += _step(step)
    rows.append((plan.duration, "end", "the crowd leaves; ledger and history are compared, the verdict is given"))
    lines = [line for at, label, what in sorted(rows) for line in wrap(f"{clock(at)}  {label:<13} {what}", 23)]
    touched = [line for text in _touched(prepared) for line in wrap(text, 12)]
    return "\n".join([f"{plan.name} · {spec.target} · {about(plan.duration)}", "", *lines, "", *touched])


def _step(step: FaultStep) -> list[Row]:
    rows: list[Row] = [(step.at, "fault", step.fault.describe())]
    rows.append((step.at + step.fault.duration, "healed", f"{step.fault.kind} on {step.fault.on}"))
    wanted = step.expect
    if wanted is not None and wanted.detected_within is not None:
        text = f"at the latest: {wanted.slo} pages" + (f", naming runbook {wanted.runbook}" if wanted.runbook else "")
        rows.append((step.at + wanted.detected_within, "expected", text))
    if wanted is not None and wanted.recovered_within is not None:
        text = f"at the latest: {wanted.slo} is back within its objective, fault still on"
        rows.append((step.at + wanted.recovered_within, "expected", text))
    return rows


def _touched(prepared: Prepared) -> list[str]:
    spec = prepared.plan.spec
    objectives = ", ".join(f"{slo.name} {slo.objective:g} %" for slo in prepared.slos)
    hosts = ", ".join(prepared.target.spec.allow_hosts) if prepared.target else "127.0.0.1, processes of our own"
    return [
        f"Touches   {hosts}; components: {', '.join(sorted({step.fault.on for step in spec.steps})) or 'none'}",
        f"Judges    {objectives}",
        f"Controls  {', '.join(spec.controls) or 'none'}   (gameday run PLAN --control NAME)",
        f"Aborts    {'; '.join(spec.abort) or 'only when Prometheus is gone'}",
    ]
