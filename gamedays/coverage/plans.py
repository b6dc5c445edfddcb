"""Plans: those at hand that would play something again, as a command names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from flashcrowd.documents import document
from gamedays.coverage.hole import Close
from gamedays.plan import Plan, builtin_names
from gamedays.planning.checks import find
from gamedays.story.story import Story


@dataclass(frozen=True)
class KnownPlan:
    """A plan and what `gameday run` calls it: a built-in name, or the name of its file."""

    called: str
    plan: Plan

    def again(self, first: str = "") -> Close:
        """Play it, with the controls that say whose the credit is."""
        if not self.plan.spec.controls:
            wants = f"give {self.called} its controls: [no-fault, no-runbook]"
            first = f"{first}; {wants}" if first else wants
        return Close(f"flashcrowd gameday run {self.called} --with-controls", first=first)


@dataclass(frozen=True)
class Plans:
    """All that are known. What has been played comes before what hasn't, the latest first."""

    known: tuple[KnownPlan, ...]

    def named(self, name: str) -> KnownPlan | None:
        """The plan of this name."""
        return next((one for one in self.known if one.plan.name == name), None)

    def for_slo(self, slo: str) -> KnownPlan | None:
        """One that has a fault of which it expects that it hits the SLO."""
        steps = ((one, step) for one in self.known for step in one.plan.spec.steps if step.expect is not None)
        return next((one for one, step in steps if step.expect is not None and step.expect.slo == slo), None)

    def for_component(self, name: str) -> KnownPlan | None:
        """One that breaks the component."""
        return next((one for one in self.known for step in one.plan.spec.steps if step.fault.on == name), None)


def plans(stories: Sequence[Story], embedded: bool) -> Plans:
    """The plans of game days, and for the embedded target the built-in ones, those with the most steps first."""
    found: dict[str, KnownPlan] = {}
    builtin = _builtin() if embedded else {}
    for story in reversed(stories):
        called = story.plan.name if story.plan.name in builtin else story.manifest.get("plan_file", story.plan.name)
        found.setdefault(story.plan.name, KnownPlan(called, builtin.get(story.plan.name, story.plan)))
    for name, plan in sorted(builtin.items(), key=lambda pair: -len(pair[1].spec.steps)):
        found.setdefault(plan.name, KnownPlan(name, plan))
    return Plans(tuple(found.values()))


@cache
def _builtin() -> Mapping[str, Plan]:
    return {name: document(find(name), kind="GameDay").parse(Plan) for name in builtin_names()}
