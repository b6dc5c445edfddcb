"""After a fault: when it was noticed, live and in production, when a runbook had mitigated it, and when it was over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gamedays.comparison.lapse import Lapse
from gamedays.comparison.row import Key
from gamedays.judging import production
from gamedays.judging.expectations import PageSeen
from gamedays.judging.production import Production
from gamedays.playing.extracts import WINDOW
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story

PRODUCTION_STEP = 15.0
"""Seconds between the evaluations of a replay."""


def after_faults(story: Story) -> Iterator[tuple[Key, Lapse]]:
    """Four times for each fault of which something is expected, from its injection."""
    replayed = production.load(story.run)
    expected = [fault for fault in story.faults if fault.step.expect is not None]
    names = Counter(_name(fault) for fault in expected)
    for number, fault in enumerate(expected, 1):
        name = _name(fault) if names[_name(fault)] == 1 else f"{_name(fault)} ({number})"
        yield from _times(story, fault, name, replayed)


def _name(fault: FaultFact) -> str:
    return f"{fault.step.expect.slo if fault.step.expect else ''} after {fault.name}"


def _times(story: Story, fault: FaultFact, name: str, replayed: Production | None) -> Iterator[tuple[Key, Lapse]]:
    assert fault.step.expect is not None
    slo = fault.step.expect.slo
    sli, doubt = story.sli(slo), _doubt(story, fault, slo)
    injected, watched = fault.injected or 0.0, fault.ended - (fault.injected or fault.ended)
    back = story.recovery(fault, slo)
    step = 2 * sli.step  # a scrape and an evaluation

    def since(at: float | None, step: float) -> Lapse:
        return Lapse(None if at is None else at - injected, step, watched, doubt)

    yield Key("recovery", name), since(back.at, sli.step + WINDOW)
    yield Key("mitigation", name), since(_mitigated(story, fault, back.paged), step)
    yield Key("detection", f"{name}, live"), since(back.paged.at if back.paged else None, step)
    yield Key("detection", f"{name}, production"), _production(fault, slo, replayed, doubt, sli.step)


def _doubt(story: Story, fault: FaultFact, slo: str) -> str | None:
    if fault.injected is None:
        return f"{fault.name} was never injected"
    if not fault.bit:
        return f"{fault.name} did not bite"
    known = story.sli(slo).tally([(fault.injected, fault.ended)]).known
    return None if known else "Prometheus has no data of the time of the fault"


def _mitigated(story: Story, fault: FaultFact, page: PageSeen | None) -> float | None:
    """When the runbook that the page named had done its last mitigation, if that was under the fault."""
    if page is None:
        return None
    for fact in story.runbooks:
        if fact.name == page.runbook and page.at <= fact.started <= fault.ended and fact.mitigated is not None:
            return fact.mitigated
    return None


def _production(fault: FaultFact, slo: str, replayed: Production | None, doubt: str | None, step: float) -> Lapse:
    """When production's rules would have paged, however long the fault would have had to last.

    They see the bad share of the seconds from onset to recovery go on. Both ends are known to a second (`step`); the
    share, and with it the time, may be off by as much of the length between them.
    """
    mine = [
        one
        for one in (replayed.detections if replayed else ())
        if (one.fault, one.slo, one.injected) == (fault.name, slo, fault.injected)
    ]
    if doubt is None and not mine:
        doubt = "it was not replayed; flashcrowd slo replay RUN does that"
    if doubt is None and mine[0].unknown is not None:
        doubt = mine[0].unknown
    page, one = (mine[0].production, mine[0]) if mine else (None, None)
    if page is None or one is None or one.onset is None or one.until is None:
        return Lapse(None, PRODUCTION_STEP, unknown=doubt)
    return Lapse(page.after, PRODUCTION_STEP + page.after * 2 * step / max(step, one.until - one.onset), unknown=doubt)
