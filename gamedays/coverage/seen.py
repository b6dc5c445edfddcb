"""Seen: what fired, what was followed and what was broken in the game days of a target, and when last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gamedays.coverage.row import Row
from gamedays.story.story import Story


@dataclass(frozen=True)
class Seen:
    """When last, unix seconds. fired: alerts that called somebody, by the name of the SLO. followed: runbooks. broken:
    kinds, by component."""

    fired: Mapping[str, float]
    followed: Mapping[str, float]
    broken: Mapping[str, Mapping[str, float]]


def seen_in(stories: Sequence[Story], rows: Iterable[Row]) -> Seen:
    """Runs that were broken off count, too: what was seen was seen. stories: no controls, in order of time."""
    broken: dict[str, dict[str, float]] = {}
    for row in sorted(rows, key=lambda row: row.at):
        broken.setdefault(row.on, {})[row.kind] = row.at
    return Seen(
        fired={page.slo: page.at for story in stories for page in story.pages},
        followed={one.name: one.started for story in stories for one in story.runbooks},
        broken=broken,
    )
