"""Parts: what stands under each heading of a generated page, from Meaning to Escalation.

Where nothing is known the page says so, and what to do all the same: at night a plain no is worth more than a promise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runbooks.discrimination import Answer, Ask, Found, unfound
from runbooks.evidence import Action, Rehearsed, RunEvidence, credited
from runbooks.generated.causes import Causes, Step
from runbooks.generated.objective import Objective
from runbooks.generated.words import after, block, code, figure, laid_out, listed, percent, said

SHORT, LONG = 5.0, 60.0
"""Seconds that a page's own queries look back: where a scrape comes each second, and where it comes every 15."""


@dataclass(frozen=True)
class Material:
    """All that a page is written from. causes: with the steps that it may write. taken: names of people's steps."""

    objective: Objective
    runs: tuple[RunEvidence, ...]
    causes: Causes
    taken: frozenset[str] = frozenset()

    @property
    def window(self) -> float:
        return SHORT if any(run.target == "embedded" for run in self.runs) else LONG

    @property
    def rows(self) -> list[tuple[RunEvidence, Rehearsed]]:
        """Every fault of a rehearsal that hit the SLO, in order of time; controls have theirs elsewhere."""
        return [(run, row) for run in self.runs if run.control is None for row in run.rehearsed]

    @property
    def played(self) -> list[tuple[RunEvidence, Rehearsed]]:
        """As `rows`, those of controls, too."""
        return [(run, row) for run in self.runs for row in run.rehearsed]

    def credit(self, run: RunEvidence, row: Rehearsed) -> tuple[bool | None, str]:
        return credited(row, run, self.runs)

    @property
    def fixes(self) -> list[Fix]:
        """The latest way out of each cause; one that a control showed to be none is left out."""
        found: dict[str, Fix] = {}
        for run, row in self.rows:
            if row.recovered is None or not row.mitigations:
                continue
            credit, why = self.credit(run, row)
            if credit is False:
                found.pop(row.cause, None)
            else:
                found[row.cause] = Fix(row.cause, row, credit, why)
        return [found[cause] for cause in self.causes.known if cause in found]

    @property
    def actions(self) -> dict[str, Action]:
        """Steps that acted, by name, as the latest run has them."""
        return {action.step: action for run in self.runs for action in run.actions}


@dataclass(frozen=True)
class Fix:
    """What helped against a cause, and whether a control says so."""

    cause: str
    row: Rehearsed
    credit: bool | None
    why: str


def meaning(material: Material) -> str:
    slo = material.objective
    words = [said(slo.description) or f"{said(slo.name)} has no description."]
    pages = f"{listed([code(alert) for alert in slo.alerts], 'or')} fires" if slo.alerts else "The alert fires"
    words.append(
        f"That is wanted for {slo.wanted} of all events ({said(slo.service)}, {code(slo.name)}). {pages} when events "
        "are bad so often that the error budget is spent much too soon: it is no single slow request."
    )
    return "\n\n".join(words) + "\n"


def impact(material: Material) -> str:
    worst: dict[str, Rehearsed] = {}
    for _, row in material.played:
        if row.bad is not None and row.bad > (worst[row.cause].bad or 0 if row.cause in worst else 0):
            worst[row.cause] = row
    if not worst:
        what = said(material.objective.description) or "the objective."
        return (
            f"For whoever is hit, this doesn't hold any more: {what} How many that are, the first step below says. How "
            "bad it can get is not known: it was never rehearsed.\n"
        )
    lines = [
        f"- {percent(row.bad)} of events were bad under {said(row.fault)}"
        + (
            f", until it recovered after {after(row.recovered)}."
            if row.recovered is not None
            else ", until it was healed."
        )
        for row in worst.values()
    ]
    return "So bad it became in rehearsals:\n\n" + "\n".join(lines) + "\n"


def first(material: Material) -> str:
    slo, window = material.objective, material.window
    text = "1. Say in the incident channel that you have it.\n"
    text += f"2. See how bad it is: the share of bad events. At most {figure(slo.budget)} is allowed.\n"
    text += "3. See whether there are events at all. Next to 0, nobody gets through, and that comes first.\n\n"
    text += block("promql", "bad-share", laid_out(slo.share(window)), {})
    if slo.events is not None:
        text += "\nEvents per second:\n\n" + block("promql", "events-per-second", laid_out(slo.events(window)), {})
    return text


def diagnosis(material: Material) -> str:
    causes = material.causes
    steps = [step for step in causes.steps if not step.owned]
    if not causes.known:
        return (
            "No fault has hit this objective in a rehearsal yet, so there is no step that is known to find a cause. "
            f"{_unasked(material)}Go to Escalation.\n"
        )
    if not steps and not causes.steps:
        return (
            f"{listed([said(cause) for cause in causes.known])} hit this objective in rehearsal. No query was seen "
            "that says yes then and no in health. Go to Escalation.\n"
        )
    text = "All steps only look. Take them in this order; it finds a rehearsed cause with the fewest.\n\n" + order(
        material
    )
    return text + "".join(f"\n{_why(step, causes)}\n\n{_fence(step)}" for step in steps)


def _unasked(material: Material) -> str:
    names = [part.partition(":")[0] for run in material.runs[-1:] for part in run.parts]
    return f"What the platform consists of: {listed([code(name) for name in names])}. " if names else ""


def _fence(step: Step) -> str:
    return block("promql", step.name, step.query, {"expect": step.expect})


def _why(step: Step, causes: Causes) -> str:
    """What a step's yes means, and on what evidence."""
    yes = [cause for cause in causes.known if step.test.says(cause) is Answer.YES]
    source = f"from the runbook {code(step.runbook)}" if step.runbook else "drawn between what was seen in both"
    causes_named = listed([said(cause) for cause in yes]) or "nothing yet"
    health = "no in health" if step.test.healthy is Answer.NO else "nobody looked in health"
    return f"{code(step.name)} asks for {code(step.expect)}: yes under {causes_named}, {health} ({source})."


def order(material: Material) -> str:
    """The way to the cause as a numbered list."""
    causes = material.causes
    if isinstance(causes.way, Found):
        return "No step on this page is known to find a cause.\n"
    asks: list[Ask] = []
    _number(causes.way, asks)
    lines = [
        f"{number}. {code(ask.step)}: **yes** → {_branch(ask.yes, asks)} **No** → {_branch(ask.no, asks)}"
        for number, ask in enumerate(asks, 1)
    ]
    lost = unfound(causes.way, causes.known)
    text = "\n".join(lines) + "\n"
    return text + (f"\nNo step finds {listed([said(cause) for cause in lost])}.\n" if lost else "")


def _number(way: Ask | Found, asks: list[Ask]) -> None:
    level = [way]
    while level:
        here = [one for one in level if isinstance(one, Ask)]
        asks += here
        level = [branch for one in here for branch in (one.no, one.yes)]


def _branch(way: Ask | Found, asks: Sequence[Ask]) -> str:
    if isinstance(way, Ask):
        number = next(number for number, ask in enumerate(asks, 1) if ask is way)
        return f"go to {number}."
    if not way.causes:
        return "none of the known causes; go to Escalation."
    return f"{listed([said(cause) for cause in way.causes], 'or')}."


def mitigation(material: Material) -> str:
    fixes, actions = material.fixes, material.actions
    told = [_tried_in_vain(material)] if _tried_in_vain(material) else []
    if not fixes:
        none = (
            "No rehearsal has shown a mitigation that helps here. Nothing on this page changes the platform: escalate."
        )
        return "\n\n".join([none, *told]) + "\n"
    parts = list[str]()
    used = set(material.taken)
    for fix in fixes:
        parts.append(_help(fix))
        parts += [_act(actions[name], fix, material, used) for name in fix.row.mitigations if name in actions]
        if missing := [name for name in fix.row.mitigations if name not in actions]:
            parts.append(f"{listed([code(name) for name in missing])} left no record that could be followed here.\n")
    return "\n".join([*parts, *(f"{text}\n" for text in told)])


def _help(fix: Fix) -> str:
    row = fix.row
    text = f"Against {said(row.fault)}: {listed([code(name) for name in row.mitigations])}. In rehearsal it was done "
    text += (
        f"{after(row.mitigated)} after the fault, and the objective was held again after {after(row.recovered)}, with "
    )
    text += "the fault still on."
    proof = (
        "A control shows that it was this that helped" if fix.credit else "Whether it was this that helped isn't proved"
    )
    return f"{text} {proof}: {said(fix.why)}.\n"


def _act(action: Action, fix: Fix, material: Material, used: set[str]) -> str:
    """A step for one cause; where it is good for every one that can be found, it doesn't ask which it was."""
    name = action.step
    while name in used:
        name += "-again"
    used.add(name)
    settings = {key: value for key, value in action.settings.items() if key not in ("step", "when", "approve")}
    when = material.causes.step_for(fix.cause)
    if settings.get("undo") not in material.actions:
        settings.pop("undo", None)
    first = {"when": when} if when is not None and when != name else {}
    why = f"{said(action.why)}\n\n" if action.why else ""
    asks = {"approve": True} if action.kind in ("http", "sh") else {}
    return why + block(action.kind, name, action.text, {**first, **asks, **settings})


def _tried_in_vain(material: Material) -> str:
    """What was done where a control recovered, too: it is told, and not offered."""
    vain: dict[str, str] = {}
    for run, row in material.rows:
        credit, why = material.credit(run, row)
        if credit is False and row.mitigations:
            vain[row.cause] = (
                f"{listed([code(name) for name in row.mitigations])} (under {said(row.cause)}: {said(why)})"
            )
        elif credit is True:
            vain.pop(row.cause, None)
    return f"Tried, and not to be relied on: {'; '.join(vain.values())}." if vain else ""


def verification(material: Material) -> str:
    slo, window = material.objective, material.window
    hold, timeout = ("3s", "30s") if window == SHORT else ("30s", "5m")
    text = f"The share of bad events is at most {figure(slo.budget)} again, for {hold} on end. The query looks back "
    text += f"{window:g} s, so it takes a little longer than the mitigation. No events are not taken for a success.\n\n"
    settings = {"expect": f"<= {slo.budget:.10g}", "for": hold, "timeout": timeout}
    return text + block("promql", "objective-held", laid_out(slo.share(window)), settings)


def rollback(material: Material) -> str:
    actions = material.actions
    done = [actions[name] for fix in material.fixes for name in fix.row.mitigations if name in actions]
    undo = [actions[name] for action in done if (name := action.settings.get("undo")) in actions]
    unique = list({action.step: action for action in undo if action.step not in material.taken}.values())
    if not done:
        return "Nothing on this page changes the platform, so there is nothing to take back.\n"
    if not unique:
        return "The steps above have no undo on record. Take them back by hand when the cause is gone.\n"
    text = "Run at once when verification fails, and by you when the cause is gone."
    told = [] if all(action.why for action in unique) else [f"{text}\n"]
    return "\n".join([*told, *map(_taken_back, unique)])


def _taken_back(action: Action) -> str:
    settings = {key: value for key, value in action.settings.items() if key not in ("step", "when", "approve", "undo")}
    why = f"{said(action.why)}\n\n" if action.why else ""
    return why + block(action.kind, action.step, action.text, settings)


def escalation(material: Material) -> str:
    slo, fixes = material.objective, material.fixes
    lines = [f"- None of the known causes, or it isn't better after the mitigation: whoever owns {said(slo.service)}."]
    if without := [cause for cause in material.causes.known if cause not in {fix.cause for fix in fixes}]:
        lines.append(f"- {listed([said(cause) for cause in without])}: known, and nothing here helps against it.")
    if idle := unbroken(material):
        lines.append(f"- Never broken in a rehearsal, so no step looks there: {listed([code(name) for name in idle])}.")
    return "\n".join(lines) + "\n"


def unbroken(material: Material) -> list[str]:
    """The components that no fault of the evidence was on."""
    names = [part.partition(":")[0] for run in material.runs[-1:] for part in run.parts]
    broken = {found[1] for cause in material.causes.conditions if (found := re.search(r" on ([^\s,]+)", cause))}
    return [name for name in names if name not in broken]
