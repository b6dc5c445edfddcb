"""Compared: what came of a comparison: rows, differences of configuration, and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flashcrowd.units import clock
from flashcrowd.verdict import Outcome
from gamedays.comparison.comparing import BELIEVED, compare
from gamedays.comparison.configuration import Change, changes
from gamedays.comparison.measured import Measured
from gamedays.comparison.row import Call, Row, Tolerance
from gamedays.comparison.trend import Trend, trend


@dataclass(frozen=True)
class Compared:
    """before: the baseline, and its repeats. now: the run that is judged. refusals: why nothing can be said, each a
    sentence without a full stop. trend: over all runs that were given and played to their end."""

    before: tuple[Measured, ...]
    now: Measured
    rows: tuple[Row, ...]
    changes: tuple[Change, ...]
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    tolerance: Tolerance
    trend: Trend

    @property
    def outcome(self) -> Outcome:
        if self.refusals:
            return Outcome.INCONCLUSIVE
        if any(row.regressed for row in self.rows):
            return Outcome.FAIL
        if self.doubts:
            return Outcome.INCONCLUSIVE
        told = any(row.call is not Call.UNTOLD for row in self.rows if row.key.group not in BELIEVED)
        return Outcome.PASS if told else Outcome.INCONCLUSIVE

    @property
    def regressions(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.regressed)

    @property
    def doubts(self) -> tuple[Row, ...]:
        """What may have got worse, and can't be told from a busy machine: that never passes."""
        return tuple(row for row in self.rows if row.looks_worse)

    def of(self, call: Call) -> tuple[Row, ...]:
        """The rows of which that is said."""
        return tuple(row for row in self.rows if row.call is call)

    @property
    def headline(self) -> str:
        """What it comes to, the most important first; a sentence or two."""
        if self.refusals:
            return f"Nothing can be said: {'; '.join(self.refusals)}."
        if self.outcome is Outcome.INCONCLUSIVE and self.doubts:
            one = self.doubts[0]
            besides = f" (and {len(self.doubts) - 1} more)" if len(self.doubts) > 1 else ""
            return f"It can't be told whether {one.key.name}{besides} got worse: {one.why}. Try on a quieter machine."
        if self.outcome is Outcome.INCONCLUSIVE:
            why = next((row.why for row in self.rows if row.call is Call.UNTOLD), "neither run has any figure")
            return f"Nothing can be said: {why}."
        worst, *more = self.regressions or (None,)
        counts = self._counts()
        if worst is None:
            return f"Nothing got worse: {counts}."
        beside = f", and {len(more)} more figure{'s' if len(more) > 1 else ''}" if more else ""
        return (
            f"{worst.key.group.capitalize()} got worse: {worst.key.name}, {worst.before} before, {worst.now} now"
            f"{beside}. Besides, {counts}."
        )

    def _counts(self) -> str:
        told = [
            f"{len(self.of(Call.SAME))} are the same within chance and tolerance",
            f"{len(self.of(Call.BETTER))} better",
            f"{len(self.of(Call.UNTOLD))} can't be told",
        ]
        health = sum(row.call is Call.WORSE and not row.regressed for row in self.rows)
        return ", ".join([*told, *([f"the load generator is worse off in {health}"] if health else [])])

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "outcome": self.outcome.value,
            "headline": self.headline,
            "baseline": [str(run.story.run.path) for run in self.before],
            "run": str(self.now.story.run.path),
            "tolerance": {"ratio": self.tolerance.ratio, "seconds": self.tolerance.seconds},
            "refusals": list(self.refusals),
            "warnings": list(self.warnings),
            "changes": [change.as_dict() for change in self.changes],
            "rows": [row.as_dict() for row in self.rows],
            "trend": self.trend.as_dict(),
        }


def compared(runs: Sequence[Measured], repeats: Sequence[Measured], tolerance: Tolerance) -> Compared:
    """The last of the runs beside the first and its repeats; those between are for the trend alone."""
    before, now = (runs[0], *repeats), runs[-1]
    broken = [_incomplete(run) for run in (*before, now) if not run.story.complete]
    found = () if broken else tuple(changes(before[0], now))
    refusals = [*broken, *_other(found), *_strangers(before, broken)]
    rows = () if broken else compare(before, now, tolerance)
    between = [run for run in runs[1:-1] if not run.story.complete]
    whole = [run for run in (*runs, *repeats) if run.story.complete]
    warnings = [f"{_incomplete(run)}; the trend is without it" for run in between]
    doubted = [run for run in whole if run.doubt is not None and run not in (*before, now)]
    warnings += [f"{run.name}: {run.doubt}; don't trust its part of the trend" for run in doubted]
    return Compared(before, now, tuple(rows), found, tuple(refusals), tuple(warnings), tolerance, trend(whole))


def _incomplete(run: Measured) -> str:
    story = run.story
    at = f"at {clock(story.end - story.start)}" if story.start else "before its start"
    if story.aborted is not None:
        return f"{run.name} was aborted {at}: {story.aborted}"
    if story.lacking is not None:
        return f"{run.name}: {story.lacking}"
    return f"{run.name} ended {at}, before its plan did"


def _other(found: Sequence[Change]) -> list[str]:
    """Another crowd or other faults: what differs may come of that."""
    asked = [change for change in found if change.demand]
    if not asked:
        return []
    more = f" and {len(asked) - 1} more" if len(asked) > 1 else ""
    return [f"the plan is another one ({asked[0]}{more}), and what differs may come of that"]


def _strangers(before: Sequence[Measured], broken: Sequence[str]) -> list[str]:
    """Repeats of the baseline that are none."""
    if broken:
        return []
    found = {run.name: [c for c in changes(before[0], run) if c.demand or c.path == "control"] for run in before[1:]}
    return [f"{name} is no repeat of {before[0].name} ({asked[0]})" for name, asked in found.items() if asked]
