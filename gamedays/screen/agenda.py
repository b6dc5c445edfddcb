"""Agenda: what a plan still holds, for the one line of what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gamedays.plan import Control, FaultStep, Plan


@dataclass(frozen=True, order=True)
class Item:
    """Something that the plan has at an instant, in seconds since the start."""

    at: float
    what: str


def steps(plan: Plan, control: Control | None) -> Sequence[FaultStep]:
    """The faults that will be injected: none in the control without them."""
    return [] if control == "no-fault" else plan.spec.steps


def agenda(plan: Plan, control: Control | None) -> list[Item]:
    """Everything that will happen, in order of time."""
    spec, faults = plan.spec, steps(plan, control)
    found = [Item(step.at, step.fault.describe()) for step in faults]
    found += [Item(step.at + step.fault.duration, f"{_name(step)} is healed") for step in faults]
    found += [Item(at, f"sale, wave {number}") for number, at in enumerate(spec.sale.opens_at if spec.sale else [], 1)]
    found += [Item(at, "draw") for at in (spec.draw.opens_at if spec.draw else [])]
    return sorted([*found, Item(plan.duration, "the end of the load")])


def windows(plan: Plan, control: Control | None) -> list[tuple[float, float]]:
    """When a fault is to be in place, in seconds since the start."""
    return [(step.at, step.at + step.fault.duration) for step in steps(plan, control)]


def openings(plan: Plan) -> list[float]:
    """When the sale or the draw opens, in seconds since the start."""
    return [*(plan.spec.sale.opens_at if plan.spec.sale else []), *(plan.spec.draw.opens_at if plan.spec.draw else [])]


def _name(step: FaultStep) -> str:
    return f"{step.fault.kind} on {step.fault.on}"
