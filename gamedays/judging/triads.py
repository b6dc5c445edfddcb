"""Triads: fault → alert → runbook, one a fault that the plan expects something of, with the times of its whole way.

    injected ──► paged ──► mitigated ──► recovered ──► healed
                 by the    by the        by the SLI,
                 alert     runbook       fault still on

A runbook gets the credit for a recovery when the same fault, without it, did not recover before it healed.
"""

from __future__ import annotations

from dataclasses import dataclass

from flashcrowd.rundir import Event
from flashcrowd.verdict import Outcome, merge
from gamedays.judging import controls, expected, production
from gamedays.judging.controls import Shown
from gamedays.judging.production import Detection, Production
from gamedays.story.facts import FaultFact, RunbookFact
from gamedays.story.story import Story
from runbooks import execution

TAKEN_BACK = (execution.Outcome.NOT_RECOVERED, execution.Outcome.ROLLED_BACK, execution.Outcome.ABORTED)
"""Outcomes of runbooks after which nothing that they did is in place, if it could be taken back."""


@dataclass(frozen=True)
class Triad:
    """One fault and what became of it. Times are unix seconds, None where it didn't come to that.

    fault, on: kind and component. slo: that it was expected to spoil. alert: that paged for it. runbook: that the alert
    named, and diagnosed: the cause that it found. mitigations: what it did. production: seconds that the rules of
    production would have taken; None when they would not have paged, or when that was not `replayed`. outcome: of what
    the plan expects. credit: True, False (a control recovered by itself, or paged without a fault; or so did this run,
    as nothing of the runbook was in place when it recovered), None (no control says). why: the same in words. shown:
    what each control that was played shows.
    """

    fault: str
    on: str
    slo: str
    alert: str | None
    runbook: str | None
    diagnosed: str | None
    mitigations: tuple[str, ...]
    injected: float | None
    paged: float | None
    production: float | None
    mitigated: float | None
    recovered: float | None
    healed: float | None
    outcome: Outcome
    credit: bool | None
    why: str = ""
    replayed: bool = False
    shown: tuple[Shown, ...] = ()


def triads(story: Story) -> tuple[Triad, ...]:
    """The triads of a run, in the order of the plan, with what its controls show."""
    replayed = production.load(story.run)
    return tuple(
        _triad(story, number, fault, replayed)
        for number, fault in enumerate(story.faults)
        if fault.step.expect is not None
    )


def _triad(story: Story, number: int, fault: FaultFact, replayed: Production | None) -> Triad:
    assert fault.step.expect is not None
    slo = fault.step.expect.slo
    back, followed = story.recovery(fault, slo), story.followed(fault, slo)
    detection = detected(replayed, fault, slo)
    shown = tuple(controls.shown(control, number) for control in story.controls)
    credit, why = _credit(back.at, followed, shown)
    return Triad(
        fault=fault.step.fault.kind,
        on=fault.step.fault.on,
        slo=slo,
        alert=back.paged.alert if back.paged is not None else None,
        runbook=back.paged.runbook if back.paged is not None else None,
        diagnosed=diagnosed(followed),
        mitigations=mitigations(followed),
        injected=fault.injected,
        paged=back.paged.at if back.paged is not None else None,
        production=detection.production.after if detection is not None and detection.production is not None else None,
        mitigated=followed.mitigated if followed is not None else None,
        recovered=back.at,
        healed=fault.healed,
        outcome=merge(finding.outcome for finding in expected.of_fault(story, fault)),
        credit=credit,
        why=why,
        replayed=detection is not None,
        shown=shown,
    )


def _credit(recovered: float | None, followed: RunbookFact | None, shown: tuple[Shown, ...]) -> tuple[bool | None, str]:
    """Whether the runbook deserves the recovery, and why."""
    if recovered is not None and (why := _idle(recovered, followed)):
        return False, f"it recovered by itself: {why}"
    if not shown:
        return None, "no control was played"
    for one in shown:
        if one.outcome is Outcome.FAIL:
            return False, f"{one.control}: {one.text}"
    if recovered is None:
        return None, "there was no recovery"
    for one in shown:
        if one.outcome is Outcome.INCONCLUSIVE:
            return None, f"{one.control} can't tell: {one.text}"
    if "no-runbook" not in {one.control for one in shown}:
        return None, "the control without the runbook was not played"
    return True, "without it there was no recovery before the fault healed"


def _idle(recovered: float, followed: RunbookFact | None) -> str:
    """Why a recovery then can't be the runbook's doing; nothing where it may be."""
    if followed is None or followed.acted is None:
        return "no mitigation was done"
    if recovered < followed.acted:
        return "no mitigation had begun yet"
    if followed.ended is not None and recovered > followed.ended and followed.outcome in TAKEN_BACK:
        return "what the runbook had done was taken back already"
    return ""


def detected(replayed: Production | None, fault: FaultFact, slo: str) -> Detection | None:
    """What the replay says of a fault and an SLO; None when it says nothing."""
    found = replayed.detections if replayed is not None else ()
    wanted = (fault.name, slo, fault.injected)
    return next((one for one in found if (one.fault, one.slo, one.injected) == wanted and one.replayed), None)


def _steps(followed: RunbookFact | None, section: str, state: str) -> tuple[str, ...]:
    """The steps of a section that ended so, each once."""
    ends: tuple[Event, ...] = followed.steps if followed is not None else ()
    wanted = ("step_end", section, state)
    found = (
        event.data["step"]
        for event in ends
        if (event.kind, event.data.get("section"), event.data.get("state")) == wanted
    )
    return tuple(dict.fromkeys(found))


def diagnosed(followed: RunbookFact | None) -> str | None:
    """The cause that was found last."""
    return next(iter(reversed(_steps(followed, "Diagnosis", "matched"))), None)


def mitigations(followed: RunbookFact | None) -> tuple[str, ...]:
    """The mitigations that were done, in order."""
    return _steps(followed, "Mitigation", "done")
