"""Expected: what the plan expects of each fault, held against what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import monitors.judge
from flashcrowd.verdict import Finding, Outcome
from gamedays.expectations import judge_expectation
from gamedays.story import FaultFact, Story
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

    def by_slo(bad: float, total: float, slo: Slo = slo) -> tuple[Outcome, str]:
        judgement = monitors.judge.judge(slo, bad, total)
        return judgement.outcome, judgement.text

    return judge_expectation(wanted, fault.played, story.sli(slo.name), story.silenced, back, by_slo)


def _numbered(finding: Finding, fault: int) -> Finding:
    """The finding under a name that says of which fault it is, where several are expected to hit the same SLO."""
    return replace(finding, name=finding.name.replace("expect/", f"expect/{fault}/", 1))
