"""Tiles: what a run came to apart from its faults, a figure or two each: objectives, orders, crowd, budget."""

from __future__ import annotations

from dataclasses import dataclass

from flashcrowd.verdict import Outcome, Verdict, merge
from gamedays.report import sentences
from gamedays.story.story import Story


@dataclass(frozen=True)
class Tile:
    """outcome: of the findings behind it; None where it is only told."""

    title: str
    text: str
    outcome: Outcome | None = None


def tiles(story: Story, verdict: Verdict) -> list[Tile]:
    """Those of a run, in the order in which one asks for them."""
    return [
        Tile("Objectives, nothing broken", _objectives(story, verdict), worst(verdict, "slo/")),
        Tile("Orders", sentences.orders(story), worst(verdict, "invariant/")),
        Tile("Crowd", sentences.crowd(story), worst(verdict, "crowd/")),
        *_controls(story, verdict),
    ]


def _objectives(story: Story, verdict: Verdict) -> str:
    rows = sentences.objectives(story, verdict)
    held = sum(row.outside is Outcome.PASS for row in rows)
    if held == len(rows):
        return f"all {held} held" if held > 1 else "held"
    missed = ", ".join(
        f"{row.name} {row.held}" + (" (undecided)" if row.outside is Outcome.INCONCLUSIVE else "")
        for row in rows
        if row.outside is not Outcome.PASS
    )
    return f"{held} of {len(rows)} held; {missed}"


def _controls(story: Story, verdict: Verdict) -> list[Tile]:
    if not story.controls:
        return []
    names = ", ".join(str(control.control) for control in story.controls)
    return [Tile("Controls", f"{names} played", worst(verdict, "control/"))]


def worst(verdict: Verdict, prefix: str) -> Outcome | None:
    """The outcome of the findings whose names begin so; None where there are none."""
    found = [finding.outcome for finding in verdict.findings if finding.name.startswith(prefix)]
    return merge(found) if found else None
