"""Wrong runbook: which page is followed in the place of the right one in the `wrong-runbook` control, and how.

The next one of the plan whose mitigations do nothing that the right one's do; where the plan names none, the next of
the library. Of it the mitigations alone are carried out, whatever they are for, whatever the platform answers to them
(that a process runs already, say), and they stay until the fault has healed: its diagnosis would find none of its
causes and do nothing, its verification might take everything back, and the control would say nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import runbooks.catalogue
from flashcrowd.errors import FlashcrowdError, InputError
from gamedays.plan import Plan
from monitors.slo import Slo
from runbooks.expectation import Comparison
from runbooks.model import Heading, HttpStep, Runbook, ShStep, Step

LEFT_OUT = (Heading.DIAGNOSIS, Heading.MITIGATION, Heading.VERIFICATION)
"""Where only the steps that act are kept: what they look at, or wait for, is of another incident."""


def named(plan: Plan, slos: Sequence[Slo]) -> list[str]:
    """The runbooks of a plan: those that its steps expect, in their order, then those that its alerts name."""
    expected = [step.expect.runbook for step in plan.spec.steps if step.expect is not None]
    annotated = [slo.alerting.annotations.get("runbook") for slo in slos if slo.alerting is not None]
    return list(dict.fromkeys(name for name in (*expected, *annotated) if name is not None))


def check(plan: Plan, slos: Sequence[Slo]) -> None:
    """Whether there is another runbook for each that the plan expects. Raises InputError when there is none."""
    names = named(plan, slos)
    for name in {step.expect.runbook for step in plan.spec.steps if step.expect is not None}:
        if name is not None:
            instead_of(name, names)


def instead_of(name: str, of_plan: Sequence[str]) -> Runbook:
    """The runbook to follow instead, ready to be followed. Raises InputError when none does something else."""
    right = runbooks.catalogue.find(name)
    for other in _others(name, of_plan):
        if (does := _does(other)) and does.isdisjoint(_does(right)):
            return forced(other)
    raise InputError(f"no other runbook does something else than {name}, which a control could follow instead")


def forced(runbook: Runbook) -> Runbook:
    """The same page without diagnosis and verification, and with each mitigation carried out for any cause."""
    sections = tuple(replace(section, parts=_forced(section.parts)) for section in runbook.sections)
    return replace(runbook, sections=sections)


def _forced(parts: tuple[str | Step, ...]) -> tuple[str | Step, ...]:
    kept = [part for part in parts if not isinstance(part, Step) or part.section not in LEFT_OUT or part.acts]
    return tuple(_carried_out(part) if isinstance(part, Step) else part for part in kept)


def _carried_out(step: Step) -> Step:
    if step.section is not Heading.MITIGATION:
        return step
    any_answer = {"expect": Comparison.parse("> 0")} if isinstance(step, HttpStep) else {}
    return step.model_copy(update={"when": None, **any_answer})


def _others(name: str, of_plan: Sequence[str]) -> Iterator[Runbook]:
    """The other runbooks, those that come after this one in the plan first."""
    at = of_plan.index(name) + 1 if name in of_plan else 0
    rest = [other for other in runbooks.catalogue.builtin_names() if other not in of_plan]
    for other in dict.fromkeys([*of_plan[at:], *of_plan[:at], *rest]):
        if other != name:
            try:
                yield runbooks.catalogue.find(other)
            except FlashcrowdError:
                continue


def _does(runbook: Runbook) -> frozenset[tuple[object, ...]]:
    """What its mitigations do to the platform."""
    steps = runbook.steps(Heading.MITIGATION)
    return frozenset(_action(step) for step in steps if isinstance(step, HttpStep | ShStep))


def _action(step: HttpStep | ShStep) -> tuple[object, ...]:
    return (step.method, step.url, step.body) if isinstance(step, HttpStep) else (step.script,)
