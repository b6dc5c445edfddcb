"""Expectations: what had to become of a fault, and whether it did. Pure: facts in, findings out.

Times are unix seconds; `within` counts from the injection. What can't be known for want of data is inconclusive, and
so is what was never played.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flashcrowd.units import about
from flashcrowd.verdict import Finding, Outcome
from gamedays.judging.sli import Sli, Tally
from gamedays.plan import Expectation


@dataclass(frozen=True)
class PageSeen:
    """A page as it arrived: the alert's name, its SLO, the runbook it names, and when we had it.

    silenced: why it was none: the alert fired, and nobody was called.
    """

    alert: str
    slo: str
    runbook: str | None
    at: float
    silenced: str | None = None


@dataclass(frozen=True)
class FaultPlayed:
    """A fault as it went. `injected` is None when it never was, `healed` when it was not seen to heal. lasts: seconds
    that it was meant to be in place. bit: its effect was seen."""

    name: str
    injected: float | None
    healed: float | None
    ended: float
    lasts: float
    bit: bool


@dataclass(frozen=True)
class Recovery:
    """When the page came and the SLI was back within its objective, unix seconds, None where it never did."""

    paged: PageSeen | None
    at: float | None


Judge = Callable[[float, float], tuple[Outcome, str]]
"""(bad, total) → the outcome and its reason, by the SLO's own objective and confidence."""


def first_page(pages: Sequence[PageSeen], slo: str, fault: FaultPlayed) -> PageSeen | None:
    """The first page of the SLO while the fault was in place."""
    return next((page for page in pages if page.slo == slo and _during(fault, page.at)), None)


def recovery(sli: Sli, budget: float, pages: Sequence[PageSeen], slo: str, fault: FaultPlayed) -> Recovery:
    """When the SLI was back within its objective while the fault was still on, counted from the page."""
    page = first_page(pages, slo, fault)
    if page is None:
        return Recovery(None, None)
    return Recovery(page, sli.recovered(budget, page.at, fault.ended))


def moot(fault: FaultPlayed, back: Recovery) -> str | None:
    """Why nothing can be expected of a fault; None when something can."""
    if fault.injected is None:
        return f"{fault.name} was never injected"
    return f"{fault.name} did not bite" if not fault.bit and back.paged is None else None


def judge_expectation(
    wanted: Expectation, fault: FaultPlayed, sli: Sli, silenced: Sequence[PageSeen], back: Recovery, judge: Judge
) -> list[Finding]:
    """One finding for each thing that the expectation asks for. silenced: alerts that would have been pages."""
    name = f"expect/{wanted.slo}"
    why = moot(fault, back)
    if fault.injected is None or why is not None:
        return [Finding(name, Outcome.INCONCLUSIVE, f"{why}, so nothing could be expected")]
    findings = []
    if wanted.detected_within is not None:
        findings.append(_detected(f"{name}/detected", wanted.detected_within, fault, fault.injected, sli, back.paged))
        findings[-1] = _explained(findings[-1], first_page(silenced, wanted.slo, fault))
    if wanted.runbook is not None:
        findings.append(_named(f"{name}/runbook", wanted.runbook, fault, fault.injected, sli, back.paged))
    if wanted.recovered_within is not None:
        findings.append(_recovered(f"{name}/recovered", wanted.recovered_within, fault, fault.injected, sli, back))
        if back.at is not None:
            findings.append(_held(f"{name}/held", fault, sli.tally([(back.at, fault.ended)]), judge))
    return findings


def _detected(
    name: str, within: float, fault: FaultPlayed, injected: float, sli: Sli, page: PageSeen | None
) -> Finding:
    evidence = {"injected_at": injected, "within": within}
    if page is not None:
        took = page.at - injected
        outcome = Outcome.PASS if took <= within else Outcome.FAIL
        message = f"{page.alert} paged {about(took)} after {fault.name}, at most {about(within)} wanted"
        return Finding(name, outcome, message, {**evidence, "paged_at": page.at, "took": round(took, 3)})
    if (doubt := doubt_of(sli, injected, injected + within, fault)) is not None:
        return Finding(name, Outcome.INCONCLUSIVE, f"no page after {fault.name}, but {doubt}", evidence)
    return Finding(name, Outcome.FAIL, f"no page within {about(within)} of {fault.name}", evidence)


def _explained(finding: Finding, silenced: PageSeen | None) -> Finding:
    """The finding, with that somebody had silenced the alert, where it was to be a page and was none."""
    if silenced is None or finding.outcome is Outcome.PASS or "paged_at" in finding.evidence:
        return finding
    return replace(finding, message=f"{finding.message}: {silenced.alert} fired, {silenced.silenced}")


def _named(name: str, wanted: str, fault: FaultPlayed, injected: float, sli: Sli, page: PageSeen | None) -> Finding:
    if page is not None:
        outcome = Outcome.PASS if page.runbook == wanted else Outcome.FAIL
        named = f"names the runbook {page.runbook}" if page.runbook else "names no runbook"
        return Finding(name, outcome, f"{page.alert} {named}, {wanted} wanted")
    if (doubt := doubt_of(sli, injected, injected + fault.lasts, fault)) is not None:
        return Finding(name, Outcome.INCONCLUSIVE, f"no page named the runbook {wanted}, but {doubt}")
    return Finding(name, Outcome.FAIL, f"nobody was paged, so nobody was told of the runbook {wanted}")


def _recovered(name: str, within: float, fault: FaultPlayed, injected: float, sli: Sli, back: Recovery) -> Finding:
    evidence = {"injected_at": injected, "within": within, "recovered_at": back.at}
    if back.at is not None:
        took = back.at - injected
        outcome = Outcome.PASS if took <= within else Outcome.FAIL
        message = f"back within its objective {about(took)} after {fault.name}, at most {about(within)} wanted"
        return Finding(name, outcome, message, {**evidence, "took": round(took, 3)})
    if (doubt := doubt_of(sli, injected, injected + within, fault)) is not None:
        return Finding(name, Outcome.INCONCLUSIVE, f"recovery can't be told: {doubt}", evidence)
    if back.paged is None:
        return Finding(name, Outcome.FAIL, f"no recovery within {about(within)}: nobody was paged", evidence)
    return Finding(
        name, Outcome.FAIL, f"no recovery within {about(within)}, and none before the fault healed", evidence
    )


def _held(name: str, fault: FaultPlayed, tally: Tally, judge: Judge) -> Finding:
    outcome, reason = judge(tally.bad, tally.total)
    message = f"from its recovery until {fault.name} healed: {reason}"
    return Finding(name, outcome, message, {"bad": round(tally.bad, 1), "total": round(tally.total, 1)})


def doubt_of(sli: Sli, start: float, end: float, fault: FaultPlayed) -> str | None:
    """Why it can't be said that something did not happen from `start` to `end`; None when it can."""
    if fault.ended < end - sli.step:
        return f"the fault was in place for {about(max(0.0, fault.ended - start))} only"
    return None if sli.tally([(start, end)]).known else "Prometheus has no data"


def _during(fault: FaultPlayed, at: float) -> bool:
    return fault.injected is not None and fault.injected <= at <= fault.ended
