"""Effects: what broke, who noticed, what helped, when it was back: a row for each fault, on the first screen."""

from __future__ import annotations

from dataclasses import dataclass

from flashcrowd.units import about, clock
from flashcrowd.verdict import Outcome, merge
from gamedays.judging import expected
from gamedays.judging.expectations import PageSeen
from gamedays.judging.triads import Triad, triads
from gamedays.story.facts import FaultFact, RunbookFact
from gamedays.story.story import Story


@dataclass(frozen=True)
class Said:
    """A cell: what it says, and below it in small what explains it."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Effect:
    """A fault's way. outcome: of what the plan expects of it; None where it expects nothing. at: of its beginning,
    seconds since the run's start. credit: whether the runbook gets it, None where no control was played."""

    outcome: Outcome | None
    at: float | None
    broke: Said
    noticed: Said
    helped: Said
    back: Said
    credit: Said | None


def effects(story: Story) -> list[Effect]:
    """A row for each fault of the plan, in order of time; none in a control that breaks nothing."""
    if story.control == "no-fault":
        return []
    found = iter(triads(story))
    rows = [_effect(story, fault, next(found) if fault.step.expect is not None else None) for fault in story.faults]
    return sorted(rows, key=lambda row: float("inf") if row.at is None else row.at)


def unexplained(story: Story) -> list[str]:
    """The pages that came while nothing was broken: as `OrderLatencyBurn at 01:20`."""
    stray = [page for page in story.pages if not any(_during(fault, page.at) for fault in story.faults)]
    return [f"{page.alert} at {clock(page.at - story.start)}" for page in stray]


def spans(story: Story) -> list[tuple[str, str]]:
    """What the charts can be asked to show: each fault, with ten seconds before and after, as `from,to`."""
    played = [(fault.injected, fault) for fault in story.faults if fault.injected is not None]
    return [
        (fault.name, f"{injected - story.start - 10:.1f},{fault.ended - story.start + 10:.1f}")
        for injected, fault in sorted(played, key=lambda pair: pair[0])
    ]


def _effect(story: Story, fault: FaultFact, triad: Triad | None) -> Effect:
    page = _page(story, fault)
    return Effect(
        outcome=merge(one.outcome for one in expected.of_fault(story, fault)) if triad is not None else None,
        at=fault.injected - story.start if fault.injected is not None else None,
        broke=_broke(fault),
        noticed=_noticed(story, fault, page, triad),
        helped=_helped(story, fault, page, triad),
        back=_back(story, fault, triad),
        credit=_credit(triad),
    )


def _broke(fault: FaultFact) -> Said:
    if fault.injected is None:
        return Said(fault.describe, "was never injected")
    if fault.heal_failed is not None:
        return Said(fault.describe, f"STILL BROKEN: {fault.heal_failed}")
    seen = f"seen: {fault.bites}" if fault.bit else f"did not bite: {fault.bites or 'no effect was seen'}"
    return Said(fault.describe, seen)


def _noticed(story: Story, fault: FaultFact, page: PageSeen | None, triad: Triad | None) -> Said:
    if fault.injected is None:
        return Said("–")
    if page is None:
        silenced = next((one for one in story.silenced if _during(fault, one.at)), None)
        return Said("nobody was paged", f"{silenced.alert} fired, {silenced.silenced}" if silenced is not None else "")
    return Said(f"{page.alert}, after {about(page.at - fault.injected)}", _in_production(fault, triad))


def _in_production(fault: FaultFact, triad: Triad | None) -> str:
    if triad is None or not triad.replayed or fault.injected is None:
        return ""
    if triad.production is None:
        return "in production: no page at this level"
    late = "" if triad.production <= fault.ended - fault.injected else ", not in time"
    return f"in production: after {about(triad.production)}{late}"


def _helped(story: Story, fault: FaultFact, page: PageSeen | None, triad: Triad | None) -> Said:
    if fault.injected is None:
        return Said("–")
    wanted = fault.step.expect
    followed = (story.followed(fault, wanted.slo) if wanted is not None else None) or _other(story, fault, page)
    if followed is None:
        if page is not None and page.runbook in story.withheld:
            return Said("nothing was done", f"{page.runbook} was withheld: this run is a control")
        return Said("nothing was done", "" if page is None else f"runbook named: {page.runbook or 'none'}")
    done = [
        event.data["step"]
        for event in followed.steps
        if event.kind == "step_end" and (event.data.get("section"), event.data.get("state")) == ("Mitigation", "done")
    ]
    cause = f"because of {triad.diagnosed}; " if triad is not None and triad.diagnosed else ""
    instead = f" (instead of {followed.instead_of})" if followed.instead_of else ""
    text = ", ".join(done) if done else "nothing was done"
    return Said(text, f"runbook {followed.name}{instead}: {cause}{followed.outcome.replace('_', ' ')}")


def _back(story: Story, fault: FaultFact, triad: Triad | None) -> Said:
    if fault.injected is None:
        return Said("–")
    if triad is None:
        return Said("–", "nothing was expected of it")
    if triad.recovered is None:
        why = "not before the fault healed" if triad.paged is not None else "not told: nobody was paged"
        return Said("no recovery", f"{triad.slo}: {why}")
    left = fault.ended - triad.recovered
    return Said(f"after {about(triad.recovered - fault.injected)}", f"{triad.slo}, {about(left)} before it healed")


def _credit(triad: Triad | None) -> Said | None:
    if triad is None or not triad.shown:
        return None
    if triad.credit:
        return Said("the runbook's", "no recovery without it")
    return Said("not the runbook's" if triad.credit is False else "can't be told", triad.why)


def _page(story: Story, fault: FaultFact) -> PageSeen | None:
    """Who was called for this fault: for the SLO that it should hit, or where none is named, the first."""
    if fault.step.expect is not None:
        return story.recovery(fault, fault.step.expect.slo).paged
    return next((page for page in story.pages if _during(fault, page.at)), None)


def _other(story: Story, fault: FaultFact, page: PageSeen | None) -> RunbookFact | None:
    """The runbook of a page of a fault that nothing is expected of."""
    if fault.step.expect is not None or page is None:
        return None
    return next((fact for fact in story.runbooks if fact.alert == page.alert and fact.started >= page.at), None)


def _during(fault: FaultFact, at: float) -> bool:
    return fault.injected is not None and fault.injected <= at <= fault.ended
