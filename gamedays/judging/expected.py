"""Expected: what the plan expects of each fault, held against what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import monitors.judge
from flashcrowd.verdict import Finding, Outcome
from gamedays.judging import consequences, production, response
from gamedays.judging.consequences import Allowance, aftermath
from gamedays.judging.expectations import Judge, first_page, judge_expectation, moot
from gamedays.judging.sli import merged
from gamedays.plan import Expectation
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story
from monitors import windows
from monitors.slo import Slo


def findings(story: Story) -> Iterator[Finding]:
    """The findings of all faults that the plan expects something of, in its order."""
    if story.control == "no-fault":
        return
    expected = Counter(fault.step.expect.slo for fault in story.faults if fault.step.expect is not None)
    for number, fault in enumerate(story.faults, 1):
        if fault.step.expect is not None:
            found = of_fault(story, fault)
            yield from found if expected[fault.step.expect.slo] == 1 else [_numbered(one, number) for one in found]


def of_fault(story: Story, fault: FaultFact) -> list[Finding]:
    """One finding for each thing that is expected of this fault; none where nothing is."""
    wanted = fault.step.expect
    if wanted is None:
        return []
    slo = story.slo(wanted.slo)
    back = story.recovery(fault, wanted.slo)
    found = judge_expectation(wanted, fault.played, story.sli(slo.name), story.silenced, back, _by(slo))
    if moot(fault.played, back) is not None:
        return found
    return [*found, *_response(story, fault, wanted), *_consequences(story, fault, wanted)]


def _response(story: Story, fault: FaultFact, wanted: Expectation) -> Iterator[Finding]:
    name, played = f"expect/{wanted.slo}", fault.played
    if wanted.mitigated_within is not None:
        back, sli = story.recovery(fault, wanted.slo), story.sli(wanted.slo)
        followed = story.followed(fault, wanted.slo)
        yield response.mitigated(f"{name}/mitigated", wanted.mitigated_within, played, sli, back, followed)
    if wanted.detected_within_production is not None and story.control is None:  # a control is not replayed
        within, (replayed, lacking) = wanted.detected_within_production, _replayed(story, fault, wanted.slo)
        yield response.in_production(f"{name}/detected-production", within, played, replayed, lacking)


def _replayed(story: Story, fault: FaultFact, slo: str) -> tuple[production.Detection | None, str]:
    """What a replay says of the fault and its SLO; where there is none, why."""
    found = production.load(story.run)
    if found is None:
        return None, "the run was not replayed; flashcrowd slo replay RUN does it where promtool is"
    for one in found.detections:
        if (one.slo, one.injected) == (slo, fault.injected):
            return one, ""
    return None, "the replay says nothing of it"


def _consequences(story: Story, fault: FaultFact, wanted: Expectation) -> Iterator[Finding]:
    name, played = f"expect/{wanted.slo}", fault.played
    window = aftermath(played)
    if (most := wanted.budget_spent_at_most) is not None:
        tally = story.sli(wanted.slo).tally([window])
        yield consequences.spent(f"{name}/budget", most, played, tally, _allowance(story, wanted.slo))
    if wanted.others is not None:
        for slo in _others(story, fault, wanted):
            page = first_page(story.pages, slo.name, played)
            tally = story.sli(slo.name).tally([window])
            yield consequences.untouched(f"{name}/others/{slo.name}", slo.name, played, tally, page, _by(slo))
    if wanted.invariants is not None:
        yield consequences.held(f"{name}/invariants", wanted.invariants, story.orders.findings)


def _others(story: Story, fault: FaultFact, wanted: Expectation) -> list[Slo]:
    """The SLOs that this fault was not to hit, without those that another one was to, in place meanwhile."""
    may = {wanted.slo, *(wanted.others if isinstance(wanted.others, list) else ())}
    for other in story.faults:
        if other.step.expect is not None and other.injected is not None and _overlap(fault, other):
            may.add(other.step.expect.slo)
    return [slo for slo in story.slos if slo.name not in may]


def _overlap(one: FaultFact, other: FaultFact) -> bool:
    return len(merged([aftermath(one.played), aftermath(other.played)])) == 1


def _allowance(story: Story, name: str) -> Allowance:
    slo, healthy = story.slo(name), story.sli(name).tally(story.outside)
    seconds = healthy.covered * healthy.seconds
    policy = windows.find(production.POLICY)
    return Allowance(slo.budget, healthy.total / seconds if seconds else None, policy.spec.period or 0.0)


def _by(slo: Slo) -> Judge:
    def judge(bad: float, total: float) -> tuple[Outcome, str]:
        judgement = monitors.judge.judge(slo, bad, total)
        return judgement.outcome, judgement.text

    return judge


def _numbered(finding: Finding, fault: int) -> Finding:
    """The finding under a name that says of which fault it is, where several are expected to hit the same SLO."""
    return replace(finding, name=finding.name.replace("expect/", f"expect/{fault}/", 1))
