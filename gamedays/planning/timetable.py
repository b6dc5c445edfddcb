"""Timetable: what a plan will do and touch, before it does."""

from __future__ import annotations

from collections.abc import Iterator

import runbooks.catalogue
from flashcrowd.errors import FlashcrowdError
from flashcrowd.units import about, clock
from gamedays.plan import Expectation, FaultStep
from gamedays.planning import wrongbook
from gamedays.planning.checks import Prepared
from gamedays.planning.decidable import Reckoned, reckon_all
from gamedays.report.terminal import wrap
from monitors.figures import about as roughly
from monitors.figures import count, exact_percent
from runbooks.model import Heading, HttpStep, ShStep

Row = tuple[float, str, str]
"""Seconds since the start, a label, and what happens."""


def text(prepared: Prepared) -> str:
    """The plan's timeline, and below it what will be touched and what can be decided."""
    plan, spec = prepared.plan, prepared.plan.spec
    lines = [line for at, label, what in sorted(_rows(prepared)) for line in _wrapped(at, label, what)]
    below = [line for told in (*_touched(prepared), *_judged(prepared)) for line in wrap(told, 12)]
    return "\n".join([f"{plan.name} · {spec.target} · {about(plan.duration)}", "", *lines, "", *below])


def _rows(prepared: Prepared) -> Iterator[Row]:
    plan, spec = prepared.plan, prepared.plan.spec
    load = spec.load
    yield 0.0, load.shape, f"{load.describe()}, scenario {load.scenario}"
    if spec.sale is not None:
        opens = f"{spec.sale.stock:,} of {spec.sale.sku} go on sale"
        yield from ((at, f"sale, wave {number}", opens) for number, at in enumerate(spec.sale.opens_at, 1))
    if spec.draw is not None:
        opens = f"{len(spec.draw.names):,} prizes, entries for {about(spec.draw.closes_after)}"
        yield from ((at, "draw", opens) for at in spec.draw.opens_at)
    for step in spec.steps:
        yield from _step(step)
    yield plan.duration, "end", "the crowd leaves; ledger and history are compared, the verdict is given"


def _wrapped(at: float, label: str, what: str) -> list[str]:
    return wrap(f"{clock(at)}  {label:<13} {what}", 23)


def _step(step: FaultStep) -> Iterator[Row]:
    ends, wanted = step.at + step.fault.duration, step.expect
    yield step.at, "fault", step.fault.describe()
    yield ends, "healed", f"{step.fault.kind} on {step.fault.on}"
    if wanted is None:
        return
    if wanted.detected_within is not None:
        named = f", naming runbook {wanted.runbook}" if wanted.runbook else ""
        yield step.at + wanted.detected_within, "expected", f"at the latest: {wanted.slo} pages{named}"
    if wanted.mitigated_within is not None:
        yield step.at + wanted.mitigated_within, "expected", "at the latest: the runbook's mitigations have been done"
    if wanted.recovered_within is not None:
        back = f"at the latest: {wanted.slo} is back within its objective, fault still on"
        yield step.at + wanted.recovered_within, "expected", back
    if besides := "; ".join(_besides(wanted)):
        yield ends, "expected", besides


def _besides(wanted: Expectation) -> Iterator[str]:
    """What is judged once the fault is over."""
    if wanted.budget_spent_at_most is not None:
        yield f"at most {exact_percent(wanted.budget_spent_at_most)} of {wanted.slo}'s error budget is spent"
    if wanted.others == "untouched":
        yield "no other objective was hit"
    elif wanted.others is not None:
        yield f"no other objective but {', '.join(wanted.others)} was hit"
    if wanted.detected_within_production is not None:
        yield f"production would have paged within {about(wanted.detected_within_production)}"
    if wanted.invariants is not None:
        names = "all invariants" if wanted.invariants == "all" else ", ".join(wanted.invariants)
        yield f"checked at the end, and held: {names}"


def _touched(prepared: Prepared) -> Iterator[str]:
    spec = prepared.plan.spec
    hosts = ", ".join(prepared.target.spec.allow_hosts) if prepared.target else "127.0.0.1, processes of our own"
    yield f"Touches   {hosts}; components: {', '.join(sorted({step.fault.on for step in spec.steps})) or 'none'}"
    for name in wrongbook.named(prepared.plan, prepared.slos) if spec.steps else ():
        if acts := ", ".join(_acts(name)):
            yield f"May act   {name}: {acts}"


def _acts(name: str) -> Iterator[str]:
    """What a runbook's mitigations do to the platform; nothing of one that can't be read."""
    try:
        found = runbooks.catalogue.find(name).steps(Heading.MITIGATION)
    except FlashcrowdError:
        return
    for step in found:
        if isinstance(step, HttpStep):
            yield f"{step.name} ({step.method} {step.url})"
        elif isinstance(step, ShStep):
            yield f"{step.name} (a script)"


def _judged(prepared: Prepared) -> Iterator[str]:
    spec = prepared.plan.spec
    rows = reckon_all(prepared.plan, prepared.points, prepared.slos, prepared.scenario_file)
    size = max((len(slo.name) for slo in prepared.slos), default=0)
    for number, row in enumerate(rows):
        label = "Judges" if not number else ""
        objective = exact_percent(row.slo.objective / 100)
        yield f"{label:<9} {row.slo.name:<{size}}  {objective:<6}  {_events(row)}".rstrip()
    for number, one in enumerate(spec.drift):
        label = "Drift" if not number else ""
        yield f"{label:<9} {one.name}: may grow by {exact_percent(one.at_most)} at most"
    yield f"Controls  {', '.join(spec.controls) or 'none'}" + (
        "   (play them with --with-controls)" * bool(spec.controls)
    )
    yield f"Aborts    {'; '.join(spec.abort) or 'only when Prometheus is gone'}"


def _events(row: Reckoned) -> str:
    """How many events decide, beside those that are planned, where anything can be said of these."""
    needs = f"{count(row.needed)} good events decide"
    if row.expected is None:
        return needs
    doubt = ": may well decide nothing" if row.expected < row.needed else ""
    return f"{needs}, about {roughly(row.expected)} planned{doubt}"
