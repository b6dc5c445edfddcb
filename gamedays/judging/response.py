"""Response: when somebody had acted upon a fault, and when production's alerts would have called them. Pure."""

from __future__ import annotations

from flashcrowd.units import about
from flashcrowd.verdict import Finding, Outcome
from gamedays.judging.expectations import FaultPlayed, Recovery, doubt_of
from gamedays.judging.production import Detection
from gamedays.judging.sli import Sli
from gamedays.story.facts import RunbookFact


def mitigated(
    name: str, within: float, fault: FaultPlayed, sli: Sli, back: Recovery, followed: RunbookFact | None
) -> Finding:
    """Whether the runbook's mitigations had been done in time. followed: the runbook of the fault's page."""
    assert fault.injected is not None
    done = followed.mitigated if followed is not None else None
    evidence = {"injected_at": fault.injected, "within": within, "mitigated_at": done}
    if followed is not None and done is not None:
        took = done - fault.injected
        outcome = Outcome.PASS if took <= within else Outcome.FAIL
        message = f"{followed.name} had acted {about(took)} after {fault.name}, at most {about(within)} wanted"
        return Finding(name, outcome, message, {**evidence, "took": round(took, 3)})
    doubt = doubt_of(sli, fault.injected, fault.injected + within, fault)
    if doubt is not None:
        return Finding(name, Outcome.INCONCLUSIVE, f"mitigation can't be told: {doubt}", evidence)
    return Finding(name, Outcome.FAIL, f"nothing was done within {about(within)}: {_why_not(back, followed)}", evidence)


def _why_not(back: Recovery, followed: RunbookFact | None) -> str:
    if back.paged is None:
        return "nobody was paged"
    if followed is None:
        return "no runbook was followed"
    return f"the runbook {followed.name} ended with '{followed.outcome.replace('_', ' ')}'"


def in_production(name: str, within: float, fault: FaultPlayed, replayed: Detection | None, lacking: str) -> Finding:
    """Whether production's rules would have paged in time, had it gone on like that. lacking: why it isn't known."""
    evidence = {"injected_at": fault.injected, "within": within}
    if replayed is None or replayed.unknown is not None:
        why = lacking if replayed is None else replayed.unknown
        return Finding(name, Outcome.INCONCLUSIVE, f"when production would page can't be told: {why}", evidence)
    page = replayed.production
    if page is not None:
        outcome = Outcome.PASS if page.after <= within else Outcome.FAIL
        message = f"production would page {about(page.after)} after {fault.name}, at most {about(within)} wanted"
        return Finding(name, outcome, message, {**evidence, "took": page.after, "pair": page.pair})
    never = "nothing was spoiled that it could notice" if replayed.onset is None else "the level is too low for a page"
    return Finding(name, Outcome.FAIL, f"production would never page for {fault.name}: {never}", evidence)
