"""Drift: what grows while nothing changes, as memory that leaks and latency that creeps; what a soak is for.

Judged are the times without a fault from when all viewers are there, less the first quarter, in which caches fill. They
are cut into `PIECES` of which each has its median, so that no spike decides. Through those goes the line of Theil and
Sen (the median of all slopes between two of them), and around its slope the interval that P. K. Sen gave in 1968, at
95 %: a growth that is wholly within what the plan allows passes, wholly beyond fails, anything else is inconclusive.

metrics/drift.json    the series of each query, as Prometheus had them
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.units import about
from flashcrowd.verdict import Finding, Outcome
from gamedays.judging.sli import COVERAGE, Window
from gamedays.plan import DriftPlan
from gamedays.story.story import Story
from monitors.figures import exact_percent
from monitors.prometheus import Prometheus

FILE = "metrics/drift.json"
PIECES = 24
WARM_UP = 0.25
"""Share of the steady time that isn't looked at."""

POINTS = 600
"""Of each series that are asked for; a piece has 25 of them."""

SURE = 1.96
"""Standard deviations of a two-sided interval at 95 %."""


@dataclass(frozen=True)
class Series:
    """What one query gave. drift: its name in the plan. labels: that tell the series apart. step: seconds between
    points. points: unix seconds and values."""

    drift: str
    labels: dict[str, str]
    step: float
    points: tuple[tuple[float, float], ...]

    @property
    def name(self) -> str:
        """`memory`, or with what tells the series apart `memory/inventory`."""
        return "/".join([self.drift, *(value for _, value in sorted(self.labels.items()))])


@dataclass(frozen=True)
class Growth:
    """start: the level at the beginning, by the line. share: by how much of that it grew until the end; low, high: of
    its interval. seconds: from beginning to end."""

    start: float
    share: float
    low: float
    high: float
    seconds: float


async def save(run: RunDirectory, prometheus: Prometheus, plans: Sequence[DriftPlan], start: float, end: float) -> None:
    """Write what the drift queries give from `start` to `end`, unix seconds; nothing where the plan has none.

    Raises NeedError when Prometheus doesn't answer, InputError when it refuses a query.
    """
    step = max(1.0, math.ceil((end - start) / POINTS))
    found = [
        Series(plan.name, dict(one.labels), step, tuple(one.points))
        for plan in plans
        for one in await prometheus.query_range(plan.query, start, end, step)
    ]
    if plans:
        run.write_json(FILE, [asdict(one) for one in found])


def load(run: RunDirectory) -> list[Series]:
    """The saved series; none where the run ended without them."""
    try:
        rows: list[dict[str, Any]] = run.read_json(FILE)
        return [Series(**{**row, "points": tuple((at, value) for at, value in row["points"])}) for row in rows]
    except (InputError, TypeError, KeyError, ValueError):
        return []


def findings(story: Story) -> Iterator[Finding]:
    """One for each series of each drift that the plan asks for; one where a query gave none."""
    found = load(story.run) if story.plan.spec.drift else []
    for wanted in story.plan.spec.drift:
        mine = [one for one in found if one.drift == wanted.name]
        if not mine:
            yield Finding(f"drift/{wanted.name}", Outcome.INCONCLUSIVE, "the query gave no series: no data")
        for one in mine:
            yield _finding(one, wanted.at_most, steady(story))


def steady(story: Story) -> list[Window]:
    """When nothing changes: all viewers are there, no fault is in place, and caches are full."""
    begins = story.start + story.plan.spec.load.over
    begins += WARM_UP * max(0.0, story.end - begins)
    until = story.start + min(story.plan.duration, story.end - story.start)
    return [(max(start, begins), min(end, until)) for start, end in story.outside if end > begins and start < until]


def _finding(series: Series, at_most: float, windows: Sequence[Window]) -> Finding:
    name = f"drift/{series.name}"
    inside = [
        (at, value)
        for at, value in series.points
        if math.isfinite(value) and any(start <= at < end for start, end in windows)
    ]
    seconds = sum(end - start for start, end in windows)
    growth = grown(inside, seconds, series.step)
    if growth is None:
        covered = len(inside) * series.step
        message = f"Prometheus has data for {min(covered, seconds):.0f} of {about(seconds)} in which nothing changed"
        return Finding(name, Outcome.INCONCLUSIVE, f"{message}; that is too little to see a drift")
    outcome = Outcome.INCONCLUSIVE
    if growth.high <= at_most or growth.low > at_most:
        outcome = Outcome.PASS if growth.high <= at_most else Outcome.FAIL
    verb = "grew by" if growth.share > 0 else "changed by"
    message = (
        f"{verb} {_percent(growth.share)} in {about(growth.seconds)} (surely {_percent(growth.low)} to "
        f"{_percent(growth.high)}), at most {exact_percent(at_most)} wanted"
    )
    return Finding(name, outcome, message, {**asdict(growth), "at_most": at_most})


def grown(points: Sequence[tuple[float, float]], seconds: float, step: float) -> Growth | None:
    """By how much a series grew; None with too few points. seconds: how long the windows are that they come from."""
    if seconds < PIECES or len(points) * step < COVERAGE * seconds:
        return None
    size = len(points) / PIECES
    pieces = [points[int(n * size) : int((n + 1) * size)] for n in range(PIECES)]
    if not all(pieces):
        return None
    rows = [(median(at for at, _ in piece), median(value for _, value in piece)) for piece in pieces]
    slopes = sorted((later - value) / (after - at) for (at, value), (after, later) in itertools.combinations(rows, 2))
    slope, first, last = median(slopes), rows[0][0], rows[-1][0]
    start = median(value - slope * (at - first) for at, value in rows)
    if start <= 0:
        return None
    low, high = _interval(slopes)
    length = last - first
    return Growth(start, slope * length / start, low * length / start, high * length / start, length)


def _interval(slopes: Sequence[float]) -> tuple[float, float]:
    """Sen's: the slopes so many ranks from the middle as Kendall's S has by chance, ties left aside."""
    deviation = math.sqrt(PIECES * (PIECES - 1) * (2 * PIECES + 5) / 18)
    below = max(0, math.floor((len(slopes) - SURE * deviation) / 2))
    above = min(len(slopes) - 1, math.ceil((len(slopes) + SURE * deviation) / 2))
    return slopes[below], slopes[above]


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %" if abs(share) < 1 else f"{share * 100:.0f} %"
