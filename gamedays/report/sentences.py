"""Sentences: the verdict and the figures in words that a manager understands; the same on every kind of report."""

from __future__ import annotations

from dataclasses import dataclass

from flashcrowd.units import about, clock
from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays.judging import takenback
from gamedays.judging.controls import WITHOUT
from gamedays.judging.sli import Tally
from gamedays.plan import EMBEDDED, builtin_names
from gamedays.report import triad_table
from gamedays.story.story import Story
from monitors.figures import exact_percent, held_percent
from monitors.slo import Slo

CONTROLS = tuple(f"control/{name}/" for name in WITHOUT)
"""How the findings begin that say whether a fault recovered by itself."""

SEVERAL = 3
"""So many faults are told of together; fewer each by itself."""


@dataclass(frozen=True)
class ObjectiveRow:
    """One SLO for a table: what was wanted, what was held outside of faults, and how it went outside and during."""

    name: str
    wanted: str
    held: str
    outside: Outcome
    during: str


def headline(story: Story, verdict: Verdict) -> str:
    """The verdict in one sentence."""
    match verdict.outcome:
        case Outcome.PASS:
            credit = f" {triad_table.summary(story)}" if story.controls else ""
            return f"The rehearsal passed: {_recovered(story)}{credit}"
        case Outcome.FAIL:
            first, *others = verdict.of(Outcome.FAIL)
            more = f", and {len(others)} more" if others else ""
            return f"The rehearsal failed: {subject(first)}{first.message}{more}."
        case _:
            first = verdict.of(Outcome.INCONCLUSIVE)[0]
            return f"The rehearsal decides nothing: {subject(first)}{first.message}."


def subject(finding: Finding) -> str:
    """Whose objective a finding is about, for a sentence that begins with it; nothing where its message says so."""
    kind, *rest = finding.name.split("/")
    slo = next((part for part in rest if not part.isdigit()), "")
    if kind == "slo" and rest[-1:] == ["outside"]:
        return f"{slo}, with nothing broken: "
    return f"{slo}: " if kind == "expect" else ""


def next_step(story: Story, verdict: Verdict) -> str:
    """What to do now."""
    missed = verdict.of(Outcome.FAIL)
    played = (story, *story.controls)
    if any(fault.heal_failed is not None for one in played for fault in one.faults):
        return "Heal the fault before anything else: flashcrowd chaos recover"
    if any(finding.name.startswith("invariant/") for finding in missed):
        return "Look at the named orders first: orders were lost or sold wrongly, and that outweighs any latency."
    if any(finding.name.endswith(f"/{takenback.NAME}") for finding in missed):
        return "Take back by hand what is still in place, then mend the runbook's way back, and rehearse it again."
    if any(finding.name.startswith(CONTROLS) for finding in missed):
        return "Look for what helped: it recovered without its runbook, which can't take the credit."
    if story.control in WITHOUT and any("/recovered" in finding.name for finding in missed):
        how = WITHOUT[story.control]
        return f"Nothing: {how} it had to fail. The run that recovers with its own owes that to the runbook."
    if any("/detected" in finding.name for finding in missed):
        return "Look at the alert's windows: whoever is on call was told too late, or never."
    if any("/recovered" in finding.name or "/runbook" in finding.name for finding in missed):
        return "Read the runbook's transcript: which step did not help? Mend it, and rehearse again."
    if missed:
        return "Look at the objectives that were missed, then at the timeline."
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return "Mend what kept it from deciding, and run it again: it is no pass."
    if story.control is not None:
        return "Compare it with the run without a control."
    if story.controls:
        return "Nothing: the runbooks are proved. Rehearse them again when plan, rules or target have changed."
    if not story.plan.spec.steps:
        return "Nothing: all of it held, and nothing was broken. Play it again when plan, rules or target have changed."
    how = "--with-controls" if story.plan.spec.controls else "--control no-runbook"
    return f"Rehearse it as a control too: flashcrowd gameday run {_plan(story)} {how}"


def _plan(story: Story) -> str:
    """The plan as `gameday run` takes it; its folder is not in the run directory."""
    file = str(story.manifest.get("plan_file", "PLAN"))
    name = file.removesuffix(".yaml")
    return name if name in builtin_names() else file


def objectives(story: Story, verdict: Verdict) -> list[ObjectiveRow]:
    """A row for every SLO of the plan."""
    findings = {finding.name: finding for finding in verdict.findings}
    return [_objective(story, slo, findings[f"slo/{slo.name}/outside"]) for slo in story.slos]


def orders(story: Story) -> str:
    """What became of the orders, in one line."""
    flash = sum(wave.sold for wave in story.waves)
    counts = story.orders.summary
    if not counts.accepted + counts.rejected + counts.unknown:
        return "none that could be checked"
    sold = f"{flash:,} flash + {counts.accepted - flash:,} ordinary"
    wrong = f"oversold {counts.oversold} · lost {counts.lost} · duplicate {counts.duplicate}"
    return f"{sold} · {wrong} · unknown {counts.unknown}"


def crowd(story: Story) -> str:
    """Whether the measurements can be trusted, in one line."""
    seen = story.crowd
    if seen is None:
        return "the load generator left no figures of itself"
    trust = "its measurements can be trusted" if not seen.saturated_seconds else "saturated: don't trust its figures"
    return f"generator lag p99 {seen.lag * 1000:.0f} ms: {trust}"


def phases(story: Story) -> str:
    """How long each phase was, in one line; empty where nothing was broken."""
    told = [f"{one.name} {about(one.seconds)}" for one in story.phases]
    return " · ".join(told) if len(told) > 1 else ""


def left_in_place(story: Story) -> str | None:
    """The mitigations that a target which goes on running still has; the next run would start with them."""
    if story.manifest["target"] == EMBEDDED or not (left := still_in_place(story)):
        return None
    steps = ", ".join(f"{step} ({runbook})" for runbook, step in left)
    by_hand = "; ".join(dict.fromkeys(filter(None, left.values())))
    verb = "is" if len(left) == 1 else "are"
    said = f"{steps} {verb} still in effect at {story.target_name}: take it back before the next run"
    return f"{said}: {by_hand}" if by_hand else said


def still_in_place(story: Story) -> dict[tuple[str, str], str]:
    """The mitigations that nobody took back, as (runbook, step), each with the command to do it by hand, if told."""
    left: dict[tuple[str, str], str] = {}
    for event in story.events:
        if event.source != "runbook" or event.kind not in ("ended", "stood_down", "stand_down_failed"):
            continue
        book, data = event.data["runbook"], event.data
        if event.kind != "ended":
            left = {key: by_hand for key, by_hand in left.items() if key[0] != book}
        steps = data.get("in_place", []) if event.kind == "ended" else data.get("left", [])
        left |= {(book, step): data.get("by_hand", "") for step in steps}
    return left


def length(story: Story) -> str:
    """How long it was played."""
    return about(story.end - story.start) if story.start else "not played"


def _recovered(story: Story) -> str:
    """How the faults were noticed and recovered from: each in a sentence, or where there are several all in one."""
    told, noticed, back = [], [], []
    for fault in story.faults:
        wanted = fault.step.expect
        found = story.recovery(fault, wanted.slo) if wanted else None
        if wanted is None or fault.injected is None or found is None or found.paged is None or found.at is None:
            continue
        noticed.append(found.paged.at - fault.injected)
        back.append(found.at - fault.injected)
        told.append(
            f"{fault.describe} was noticed after {noticed[-1]:.0f} s, and {wanted.slo} was back within its objective "
            f"after {back[-1]:.0f} s, with the fault still on."
        )
    if len(told) < SEVERAL:
        return " ".join(told) or "every objective was held."
    which = f"all {len(told)} faults were" if len(told) == len(story.faults) else f"{len(told)} faults were"
    return (
        f"{which} noticed, after {min(noticed):.0f} to {max(noticed):.0f} s, and their objectives were back after "
        f"{min(back):.0f} to {max(back):.0f} s, with the faults still on."
    )


def _objective(story: Story, slo: Slo, finding: Finding) -> ObjectiveRow:
    tally = story.sli(slo.name).tally(story.outside)
    return ObjectiveRow(
        slo.name, exact_percent(slo.objective / 100), _held(slo, tally), finding.outcome, _during(story, slo)
    )


def _held(slo: Slo, tally: Tally) -> str:
    return held_percent(min(1.0, tally.bad / tally.total), slo.budget) if tally.total else "no data"


def _during(story: Story, slo: Slo) -> str:
    tally = story.sli(slo.name).tally(story.windows)
    if not story.windows:
        return "no fault"
    if not tally.known or not tally.total:
        return "no data"
    held = _held(slo, tally)
    for fault in story.faults:
        if fault.step.expect is None or fault.step.expect.slo != slo.name or fault.injected is None:
            continue
        back = story.recovery(fault, slo.name)
        end = f"recovered in {back.at - fault.injected:.0f} s" if back.at is not None else "not recovered"
        return f"{held}, {end}"
    return held


def position(story: Story, at: float) -> str:
    """A unix time as a place on the run's clock."""
    return clock(at - story.start)
