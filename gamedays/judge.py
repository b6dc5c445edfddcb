"""Judge: a story in, findings out. Outside of fault windows the SLOs must hold; inside, the expectations must."""

from __future__ import annotations

from collections.abc import Iterator

import monitors.judge
from flashcrowd.rundir import RunDirectory
from flashcrowd.units import clock
from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays import controls, expected, takenback
from gamedays.sli import Tally
from gamedays.story import FaultFact, Story
from monitors.slo import Slo

ARRIVED = 0.9
"""The share of the planned viewers that must have been connected at once: what holds for fewer says little of all."""


def judge(story: Story) -> Verdict:
    """The verdict of a run. What can't be known is inconclusive, never a pass."""
    return Verdict(
        (
            *_complete(story),
            *_crowd(story),
            *_size(story),
            *_faults(story),
            *_slos(story),
            *expected.findings(story),
            *takenback.findings(story),
            *controls.findings(story),
            *story.orders.findings,
        )
    )


def save(run: RunDirectory, verdict: Verdict) -> None:
    """Write `verdict.json`."""
    run.write_json("verdict.json", verdict.as_dict())


def _complete(story: Story) -> Iterator[Finding]:
    """A run that ended early says so; what it did show is judged all the same."""
    at = clock(story.end - story.start) if story.start else "the start"
    whole = clock(story.plan.duration)
    if story.aborted is not None:
        yield Finding("run/complete", Outcome.INCONCLUSIVE, f"aborted at {at} of {whole}: {story.aborted}")
    elif story.interrupted:
        yield Finding("run/complete", Outcome.INCONCLUSIVE, f"interrupted at {at} of {whole}")
    else:
        yield Finding("run/complete", Outcome.PASS, f"played to its end, {whole}")


def _crowd(story: Story) -> Iterator[Finding]:
    """Whether the load generator can be believed."""
    seen = story.crowd
    if seen is None:
        yield Finding("crowd/trust", Outcome.INCONCLUSIVE, "the load generator left no figures of itself")
    elif seen.saturated_seconds > 0:
        message = f"the load generator was saturated for {seen.saturated_seconds:.0f} s: its figures can't be trusted"
        yield Finding("crowd/trust", Outcome.INCONCLUSIVE, message, seen.as_dict())
    else:
        message = f"generator lag p99 {seen.lag * 1000:.0f} ms: its measurements can be trusted"
        yield Finding("crowd/trust", Outcome.PASS, message, seen.as_dict())


def _size(story: Story) -> Iterator[Finding]:
    """Whether the crowd was as large as the plan says. Viewers of a scenario without rooms are connected to nothing."""
    seen, planned = story.crowd.viewers if story.crowd else None, story.plan.spec.load.viewers
    if seen:
        outcome = Outcome.PASS if seen >= ARRIVED * planned else Outcome.INCONCLUSIVE
        message = f"{seen:,} of {planned:,} viewers were connected at once"
        yield Finding("crowd/size", outcome, message, {"connected": seen, "planned": planned})


def _faults(story: Story) -> Iterator[Finding]:
    if story.control == "no-fault":
        return
    for number, fault in enumerate(story.faults, 1):
        name = f"fault/{number}"
        if fault.injected is None:
            yield Finding(f"{name}/bit", Outcome.INCONCLUSIVE, f"{fault.name} was never injected")
            continue
        yield _bit(f"{name}/bit", fault)
        yield _healed(f"{name}/healed", fault)


def _bit(name: str, fault: FaultFact) -> Finding:
    if fault.bit:
        return Finding(name, Outcome.PASS, f"{fault.name} bit: {fault.bites}")
    return Finding(name, Outcome.INCONCLUSIVE, f"{fault.name} did not bite: {fault.bites or 'no effect was seen'}")


def _healed(name: str, fault: FaultFact) -> Finding:
    if fault.healed is not None:
        return Finding(name, Outcome.PASS, f"{fault.name} healed, checked")
    if fault.heal_failed is not None:
        return Finding(name, Outcome.FAIL, f"{fault.name} is not healed: {fault.heal_failed}")
    message = f"the run ended before {fault.name} was seen to heal; 'flashcrowd chaos status' tells whether it did"
    return Finding(name, Outcome.INCONCLUSIVE, message)


def _slos(story: Story) -> Iterator[Finding]:
    for slo in story.slos:
        tally = story.sli(slo.name).tally(story.outside)
        yield _slo(f"slo/{slo.name}/outside", slo, tally)


def _slo(name: str, slo: Slo, tally: Tally) -> Finding:
    evidence = {"bad": round(tally.bad, 1), "total": round(tally.total, 1), "covered": round(tally.covered, 3)}
    if not tally.known:
        seconds = tally.covered * tally.seconds
        message = f"Prometheus has data for {seconds:.0f} of {tally.seconds:.0f} s outside of faults"
        return Finding(name, Outcome.INCONCLUSIVE, message, evidence)
    judgement = monitors.judge.judge(slo, tally.bad, tally.total)
    return Finding(name, judgement.outcome, judgement.text, evidence)
