"""Row: one fault of one game day and one SLO, with the way from the fault to the recovery as far as it was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from flashcrowd.verdict import Outcome
from gamedays.evidence import evidence
from gamedays.evidence.conditions import cause
from gamedays.evidence.fingerprints import of_rules
from gamedays.judging import expected
from gamedays.judging.expectations import first_page
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story
from monitors.slo import Slo
from runbooks.evidence import OutcomeWord, Rehearsed, RunEvidence, credited

Severity = Literal["page", "ticket"]
Played = Literal["played", "did not bite", "never injected"]

NOTHING: dict[str, Any] = {"slo": None, "severity": None, "expected": False, "alert": None, "runbook": None}
"""Of a fault that hit no SLO."""

UNEXPECTED = "the plan expects nothing of it"


@dataclass(frozen=True)
class Row:
    """What became of one fault, and of one SLO under it. Durations are seconds from the injection, None for never.

    run: its directory's name. at: of the injection, or of the run's start, unix seconds. fault: kind and component; of
    a command, also what it does. slo: None where the plan expects nothing of the fault and nothing fired. expected: it
    is the plan that names the SLO. alert: the one that should call somebody; `fired`: it did, fault in place.
    silenced: why nobody was called although it fired. runbook: by the alert's annotation; followed: in fact.
    fingerprint: of the runbook that was followed, rules: of the SLO, target: of the target, as they were then; None
    where the run doesn't say. production: when production's rules would have paged, known where it was `replayed`.
    outcome: of what the plan expects, and what was missed, in words. credit: whether the runbook deserves the recovery;
    None where no control says. complete: the run was played to its end; what isn't in another says nothing. trusted:
    its load generator kept up.
    """

    run: str
    at: float
    plan: str
    fault: str
    kind: str
    on: str
    played: Played
    slo: str | None = None
    severity: Severity | None = None
    expected: bool = False
    alert: str | None = None
    fired: bool = False
    silenced: str | None = None
    detected: float | None = None
    production: float | None = None
    replayed: bool = False
    runbook: str | None = None
    followed: str | None = None
    fingerprint: str | None = None
    rules: str | None = None
    target: str | None = None
    mitigated: float | None = None
    recovered: float | None = None
    outcome: OutcomeWord = "inconclusive"
    missed: str = ""
    credit: bool | None = None
    why: str = ""
    complete: bool = True
    trusted: bool = True

    @property
    def prints(self) -> tuple[str | None, ...]:
        """What two rehearsals must have in common, so that the one says something of the other."""
        return self.runbook, self.followed, self.fingerprint, self.rules, self.target


Controls = Mapping[str, Sequence[RunEvidence]]
"""What controls that were played apart say, by the SLO's name. Of a run with controls of its own those alone tell."""


def planned(story: Story, apart: Controls = MappingProxyType({})) -> list[Row]:
    """A row for every fault of a run's plan, in its order, and the SLO that it was expected to spoil."""
    told = dict(_hits(story, apart))
    return [told.get((number, _wanted(fault))) or _bare(story, fault) for number, fault in enumerate(story.faults)]


def seen(story: Story, apart: Controls = MappingProxyType({})) -> list[Row]:
    """A row for every fault that was seen to be in place and every SLO that it hit, or was to; for one that hit none, a
    row without an SLO.

    In a run that was broken off, an SLO whose alert hasn't fired was perhaps only not hit for long enough: no hit.
    """
    told = {key: row for key, row in _hits(story, apart) if row.played == "played" or row.fired}
    hit = {number for number, _ in told}
    bare = {(number, ""): _bare(story, fault) for number, fault in enumerate(story.faults) if number not in hit}
    told |= {key: replace(row, **NOTHING) for key, row in bare.items() if row.played == "played"}
    return [row for _, row in sorted(told.items(), key=lambda pair: pair[0])]


def _wanted(fault: FaultFact) -> str:
    return fault.step.expect.slo if fault.step.expect is not None else ""


def _hits(story: Story, apart: Controls) -> Iterator[tuple[tuple[int, str], Row]]:
    """What each fault did to each SLO that it hit or was to, by the fault's number and the SLO's name."""
    for slo in story.slos:
        yield from _spoiled(story, slo)
        faults = evidence.hits(story, slo.name)
        if not faults:
            continue
        run = evidence.outline(story, slo.name)
        runs = [run, *apart.get(slo.name, ())]
        for fault, row in zip(faults, run.rehearsed, strict=True):
            own = any(shown.cause == row.cause for shown in run.controls)
            credit = (row.credit, row.why) if own else credited(row, run, runs)
            yield (story.faults.index(fault), slo.name), _row(story, fault, slo, row, credit, run.target_print)


def _spoiled(story: Story, slo: Slo) -> Iterator[tuple[tuple[int, str], Row]]:
    """Faults that spoiled an SLO of which nobody is told at once: no page says so, its own figures do."""
    for number, fault in enumerate(story.faults):
        if severity(slo) == "page" or fault.injected is None:
            continue
        if story.sli(slo.name).spoiled(slo.budget, fault.injected, fault.ended) is not None:
            alert = slo.alerting.name or None
            row = replace(_bare(story, fault), slo=slo.name, severity="ticket", expected=False, alert=alert)
            yield (number, slo.name), replace(row, runbook=slo.runbook, rules=of_rules([slo]))


def _row(
    story: Story, fault: FaultFact, slo: Slo, row: Rehearsed, credit: tuple[bool | None, str], target: str | None
) -> Row:
    page = first_page(story.pages, slo.name, fault.played)
    silenced = first_page(story.silenced, slo.name, fault.played)
    return replace(
        _bare(story, fault),
        slo=slo.name,
        severity=severity(slo),
        expected=_wanted(fault) == slo.name,
        alert=page.alert if page is not None else slo.alerting.name or None,
        fired=page is not None,
        silenced=silenced.silenced if silenced is not None and page is None else None,
        detected=row.detected,
        production=row.production,
        replayed=row.replayed,
        runbook=page.runbook if page is not None else slo.runbook,
        followed=row.runbook,
        fingerprint=row.fingerprint,
        rules=of_rules([slo]),
        target=target,
        mitigated=row.mitigated,
        recovered=row.recovered,
        outcome=row.outcome,
        missed=_missed(story, fault, slo),
        credit=credit[0],
        why=credit[1],
    )


def _missed(story: Story, fault: FaultFact, slo: Slo) -> str:
    """The worst of what the plan expected and didn't get; nothing where it got all."""
    found = expected.of_fault(story, fault) if _wanted(fault) == slo.name else []
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        for finding in found:
            if finding.outcome is outcome:
                return finding.message
    return ""


def _bare(story: Story, fault: FaultFact) -> Row:
    """What is known of a fault that hit nothing, with what the plan expects of it."""
    slo = story.slo(_wanted(fault)) if fault.step.expect is not None else None
    return Row(
        run=story.run.name,
        at=round(fault.injected or story.start, 3),
        plan=story.plan.name,
        fault=cause(fault),
        kind=fault.step.fault.kind,
        on=fault.step.fault.on,
        played="never injected" if fault.injected is None else "played" if fault.bit else "did not bite",
        slo=slo.name if slo is not None else None,
        severity=severity(slo) if slo is not None else None,
        expected=slo is not None,
        alert=slo.alerting.name or None if slo is not None else None,
        runbook=slo.runbook if slo is not None else None,
        why="the plan expects nothing of it"
        if slo is None
        else "it was never injected"
        if fault.injected is None
        else "",
        complete=story.complete,
        trusted=story.crowd is not None and story.crowd.saturated_seconds == 0,
    )


def severity(slo: Slo) -> Severity:
    """Whom an SLO's alert calls first: somebody now, or somebody tomorrow."""
    return "page" if slo.alert("page") is not None else "ticket"
