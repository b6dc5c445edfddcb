"""No fault: the plan of the `no-fault` control, no longer than it has to be when it is played with its game day.

A fault takes its time; without one there is nothing to wait for. The control lasts as long as the plan has no fault in
place, since that much healthy traffic is what the game day itself is judged by, and at least until the first sale and
the first draw are over and an alert's long window is full. Only a ramp can be cut: another shape would become another
load.
"""

from __future__ import annotations

from gamedays.judging.sli import merged
from gamedays.plan import Plan
from monitors.windows import WindowPolicy

AFTER = 10.0
"""Seconds that belong to an opening still: a rush is over in a few."""


def shortened(plan: Plan, policy: WindowPolicy) -> Plan:
    """The plan, cut to what the control needs. policy: of the alerts that may not page meanwhile."""
    spec = plan.spec
    if spec.load.shape != "ramp":
        return plan
    broken = merged((step.at, step.at + step.fault.duration) for step in spec.steps)
    needs = [plan.duration - sum(end - start for start, end in broken), spec.load.over + max(policy.windows)]
    needs += [min(spec.sale.opens_at) + AFTER] if spec.sale is not None else []
    needs += [min(spec.draw.opens_at) + spec.draw.closes_after + AFTER] if spec.draw is not None else []
    if (length := max(needs)) >= plan.duration:
        return plan
    load = spec.load.model_copy(update={"hold": length - spec.load.over})
    sale = spec.sale and spec.sale.model_copy(update={"opens_at": _until(spec.sale.opens_at, length - AFTER)})
    lasts = spec.draw.closes_after if spec.draw is not None else 0.0
    draw = spec.draw and spec.draw.model_copy(update={"opens_at": _until(spec.draw.opens_at, length - AFTER - lasts)})
    return plan.model_copy(update={"spec": spec.model_copy(update={"load": load, "sale": sale, "draw": draw})})


def _until(openings: list[float], end: float) -> list[float]:
    return [opens for opens in openings if opens <= end]
