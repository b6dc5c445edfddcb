"""Controls: repeats of a game day with one cause withheld, and what each of them shows of a fault.

no-fault        nothing is broken: nobody may be paged, else a page proves nothing
no-runbook      pages are noted and nothing is done: the SLO may not recover before the fault heals
wrong-runbook   another runbook is followed: the SLO may not recover before the fault heals

A control that was played with its game day is a run directory of its own in the game day's `controls/`;
`controls.json` beside it says which were wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

import monitors.judge
from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.seal import renew
from flashcrowd.units import about
from flashcrowd.verdict import Finding, Outcome
from gamedays.judging import takenback
from gamedays.judging.crowd import doubtful
from gamedays.judging.sli import Sli
from gamedays.plan import Control
from gamedays.story.facts import CARRIED_OUT, FaultFact, RunbookFact
from gamedays.story.story import CONTROLS, Story

FILE = "controls.json"

WITHOUT = {"no-runbook": "without its runbook", "wrong-runbook": "with another runbook"}
"""How a sentence says what was withheld."""


@dataclass(frozen=True)
class Shown:
    """What a control shows of one fault: PASS where the effect stayed away as it should. text: without a full stop.

    instead: the runbook that was followed instead, in a wrong-runbook control.
    """

    control: str
    outcome: Outcome
    text: str
    instead: str | None = None


@dataclass(frozen=True)
class Wanted:
    """The controls that were to be played with a game day, in order, and why the rest of them was not."""

    controls: tuple[str, ...]
    why_not: str | None = None

    def save(self, run: RunDirectory) -> None:
        (run.path / CONTROLS).mkdir(exist_ok=True)
        run.write_json(FILE, {"wanted": list(self.controls), "why_not": self.why_not})
        renew(run, FILE)


def wanted(run: RunDirectory) -> Wanted:
    """What was wanted of a run; nothing where it was played alone. What can't be read was all that there is."""
    if not (run.path / FILE).is_file():
        return Wanted(())
    try:
        told = run.read_json(FILE)
        return Wanted(tuple(map(str, told["wanted"])), told["why_not"])
    except (InputError, KeyError, TypeError):
        return Wanted(get_args(Control), f"{FILE} is damaged")


def shown(story: Story, number: int) -> Shown:
    """What the run of a control shows of the fault with this number in the plan, from 0, and of its SLO."""
    fault = story.faults[number]
    assert story.control is not None
    assert fault.step.expect is not None
    slo = fault.step.expect.slo
    outcome, text = _no_page(story, slo) if story.control == "no-fault" else _no_recovery(story, fault, slo)
    instead = story.followed(fault, slo) if story.control == "wrong-runbook" else None
    if story.control == "wrong-runbook" and outcome is Outcome.PASS and (doubt := _not_instead(instead)) is not None:
        outcome, text = Outcome.INCONCLUSIVE, doubt
    return Shown(story.control, outcome, text, instead.name if instead is not None else None)


def _not_instead(instead: RunbookFact | None) -> str | None:
    """Why nothing was done in the place of the right runbook; None when something was."""
    if instead is None:
        return "no other runbook was followed"
    if instead.outcome != CARRIED_OUT:
        return f"{instead.name} was not carried out: {instead.outcome.replace('_', ' ')}"
    return None


def findings(story: Story) -> Iterator[Finding]:
    """What a control's own run says of its question, or a game day of the controls that were played with it."""
    if story.control is not None:
        yield from _of_run(story)
        return
    for control in story.controls:
        yield from _of_run(control)
        yield from _left(control)
    yield from _asked(story)


def _asked(story: Story) -> Iterator[Finding]:
    """The controls that were wanted and of which there is nothing."""
    asked, played = wanted(story.run), {control.control for control in story.controls}
    for name in asked.controls:
        if name not in played:
            why = asked.why_not or "the game day ended before"
            yield Finding(f"control/{name}", Outcome.INCONCLUSIVE, f"the control was not played: {why}")


def unasked(story: Story) -> list[str]:
    """The controls of a game day's plan that were neither played with it nor asked for."""
    if story.control is not None:
        return []
    told = {*wanted(story.run).controls, *(control.control for control in story.controls)}
    return [name for name in story.plan.spec.controls if name not in told]


def _of_run(story: Story) -> Iterator[Finding]:
    name = f"control/{story.control}"
    if story.control == "no-fault":
        yield _without_fault(name, story)
        return
    expected = [(number, fault) for number, fault in enumerate(story.faults) if fault.step.expect is not None]
    often = Counter(fault.step.expect.slo for _, fault in expected if fault.step.expect is not None)
    for number, fault in expected:
        assert fault.step.expect is not None
        slo, said = fault.step.expect.slo, shown(story, number)
        which = slo if often[slo] == 1 else f"{number + 1}/{slo}"
        about_it = {"control": story.run.name, **({"instead": said.instead} if said.instead else {})}
        how = WITHOUT[said.control] + (f" ({said.instead})" if said.instead else "")
        yield Finding(f"{name}/{which}", said.outcome, f"{fault.name}, {how}: {said.text}", about_it)
    for fault in story.faults:
        if fault.heal_failed is not None:
            yield Finding(f"{name}/healed", Outcome.FAIL, f"{fault.name} is not healed: {fault.heal_failed}")


def _left(story: Story) -> Iterator[Finding]:
    """What a control left at a platform that goes on running."""
    for found in takenback.findings(story):
        if found.outcome is Outcome.FAIL:
            yield replace(found, name=f"control/{story.control}/{found.name}")


def _without_fault(name: str, story: Story) -> Finding:
    about_it = {"control": story.run.name}
    if story.pages:
        alerts = ", ".join(sorted({page.alert for page in story.pages}))
        return Finding(name, Outcome.FAIL, f"{alerts} paged although nothing was broken", about_it)
    if not story.complete:
        return Finding(
            name, Outcome.INCONCLUSIVE, "it was not played to its end; until then nobody was paged", about_it
        )
    slos = dict.fromkeys(fault.step.expect.slo for fault in story.faults if fault.step.expect is not None)
    for slo in slos:
        outcome, text = _no_page(story, slo)
        if outcome is not Outcome.PASS:
            return Finding(name, outcome, f"nobody was paged, but {slo} tells little: {text}", about_it)
    return Finding(name, Outcome.PASS, "without the fault nobody was paged", about_it)


def _no_page(story: Story, slo: str) -> tuple[Outcome, str]:
    """Whether nothing pages for this SLO while nothing is broken."""
    for page in (*story.pages, *story.silenced):
        if page.slo == slo:
            return Outcome.FAIL, f"{page.alert} fired although nothing was broken"
    if not story.complete:
        return Outcome.INCONCLUSIVE, "not played to its end"
    tally = story.sli(slo).tally([(story.start, story.end)])
    if not tally.known:
        return Outcome.INCONCLUSIVE, "Prometheus has no data"
    judged = monitors.judge.judge(story.slo(slo), tally.bad, tally.total)
    if judged.outcome is Outcome.INCONCLUSIVE:
        return judged.outcome, judged.text
    return Outcome.PASS, "no page"


def _no_recovery(story: Story, fault: FaultFact, slo: str) -> tuple[Outcome, str]:
    """Whether the SLO stayed bad for as long as the fault was in place."""
    if fault.injected is None:
        return Outcome.INCONCLUSIVE, "the fault was never injected"
    sli, budget, page = story.sli(slo), story.slo(slo).budget, story.recovery(fault, slo).paged
    since = page.at if page is not None else sli.spoiled(budget, fault.injected, fault.ended)
    back = sli.recovered(budget, since, fault.ended) if since is not None else None
    if back is not None:
        return Outcome.FAIL, f"back within its objective {about(back - fault.injected)} after the fault, by itself"
    if (doubt := _doubt(story, fault, sli, since)) is not None:
        return Outcome.INCONCLUSIVE, doubt
    return Outcome.PASS, "no recovery before the fault healed"


def _doubt(story: Story, fault: FaultFact, sli: Sli, since: float | None) -> str | None:
    """Why it can't be said that the SLO stayed bad; None when it can."""
    assert fault.injected is not None
    lasted = fault.ended - fault.injected
    if not sli.tally([(fault.injected, fault.ended)]).known:
        return "Prometheus has no data"
    if since is None:
        return "this time the fault spoiled nothing"
    if not fault.bit:
        return f"the fault did not bite: {fault.bites or 'no effect was seen'}"
    if lasted < fault.step.fault.duration - sli.step:
        return f"the fault was in place for {about(max(0.0, lasted))} only"
    if doubtful(story.crowd, story.charts, fault.injected, fault.ended):
        return "the load generator can't be trusted"
    return story.lacking
