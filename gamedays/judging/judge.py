"""Judge: a story in, findings out. Outside of fault windows the SLOs must hold; inside, the expectations must."""

from __future__ import annotations

from collections.abc import Iterator

import monitors.judge
from flashcrowd.rundir import RunDirectory
from flashcrowd.units import about, clock
from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays.judging import controls, drift, expected, takenback
from gamedays.judging.sli import Tally
from gamedays.phases import ORDER
from gamedays.story.facts import FaultFact
from gamedays.story.story import Story
from monitors.slo import Slo

ARRIVED = 0.9
"""The share of the planned viewers that must have been connected at once: what holds for fewer says little of all."""


LEAST = 1.0
"""Seconds that a phase has to last to have been one."""


def judge(story: Story) -> Verdict:
    """The verdict of a run. What can't be known is inconclusive, never a pass."""
    return Verdict(
        (
            *_complete(story),
            *_evidence(story),
            *_phases(story),
            *_crowd(story),
            *_size(story),
            *_faults(story),
            *_slos(story),
            *expected.findings(story),
            *drift.findings(story),
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
    elif left := controls.unasked(story):
        message = f"played to its end, {whole}; without its controls ({', '.join(left)}), so that no credit is given"
        yield Finding("run/complete", Outcome.PASS, message, {"controls_not_played": left})
    else:
        yield Finding("run/complete", Outcome.PASS, f"played to its end, {whole}")


def _evidence(story: Story) -> Iterator[Finding]:
    """Whether what the run left is all there, and as it left it."""
    if story.lacking is not None:
        yield Finding("run/evidence", Outcome.INCONCLUSIVE, story.lacking)


def _phases(story: Story) -> Iterator[Finding]:
    """Whether there was health before the first fault to compare with, and time after the last to come back in."""
    if not story.windows:
        return
    lasted: dict[str, float] = {name: sum(one.seconds for one in story.phases if one.name == name) for name in ORDER}
    told = ", ".join(f"{name} {about(seconds)}" for name, seconds in lasted.items() if seconds)
    for name, missing in (("baseline", "nothing to compare with"), ("recovery", "nobody saw the platform come back")):
        if lasted[name] < LEAST:
            yield Finding("run/phases", Outcome.INCONCLUSIVE, f"there was no {name}: {missing}; {told}")
            return
    yield Finding("run/phases", Outcome.PASS, told, {name: round(seconds, 3) for name, seconds in lasted.items()})


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
