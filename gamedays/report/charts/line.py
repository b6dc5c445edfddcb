"""Line: one series of a chart on a regular grid, and the panels that lines are drawn in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

BRIDGED = 5.0
"""Seconds without data that a line runs over; a longer silence is a gap."""

Fold = Literal["mean", "max"]
"""How many values become one in a table: their mean, or the worst of them."""


@dataclass(frozen=True)
class Line:
    """A series. start: seconds since the run's start, of the first value; step: between two. None: no data."""

    name: str
    start: float
    step: float
    values: tuple[float | None, ...]

    @classmethod
    def of(cls, name: str, points: Iterable[tuple[float, float | None]], step: float = 1.0) -> Line | None:
        """A line through points in order of time, about `step` apart; None when none of them is a number."""
        found = [(at, value) for at, value in points if value is not None and math.isfinite(value)]
        if not found:
            return None
        start = found[0][0]
        values: list[float | None] = [None] * (round((found[-1][0] - start) / step) + 1)
        for at, value in found:
            values[round((at - start) / step)] = _short(value)
        return cls(name, round(start, 2), step, tuple(values))

    @property
    def end(self) -> float:
        """Seconds since the run's start, of the last value."""
        return self.start + self.step * (len(self.values) - 1)

    def thinned(self, most: int) -> Line:
        """The line with at most so many values: of each bucket the least and the most, so that no peak is lost."""
        if len(self.values) <= most:
            return self
        size = math.ceil(2 * len(self.values) / most)
        found: list[float | None] = []
        for first in range(0, len(self.values), size):
            found += _ends(self.values[first : first + size])
        return replace(self, step=self.step * size / 2, values=tuple(found))

    def folded(self, first: float, last: float, fold: Fold) -> float | None:
        """What the values from `first` until `last` (seconds since the start) come to; None without any."""
        begin, end = (max(0, math.ceil((at - self.start) / self.step)) for at in (first, last))
        values = [value for value in self.values[begin:end] if value is not None]
        if not values:
            return None
        return max(values) if fold == "max" else sum(values) / len(values)

    def points(self) -> list[tuple[float, float | None]]:
        """(seconds since the start, value), with one None for each gap."""
        found: list[tuple[float, float | None]] = []
        silent = 0
        for number, value in enumerate(self.values):
            if value is None:
                silent += 1
                continue
            at = round(self.start + number * self.step, 3)
            if found and silent * self.step >= BRIDGED:
                found.append((round(at - self.step, 3), None))
            found.append((at, value))
            silent = 0
        return found

    def packed(self) -> list[Any]:
        """Name, start, step and values, for the page's script."""
        return [self.name, self.start, self.step, list(self.values)]


@dataclass(frozen=True)
class Panel:
    """A chart: its lines share one unit. note: what it shows, where the title doesn't say. most: a value that is
    marked by a rule across."""

    key: str
    title: str
    unit: str
    lines: tuple[Line, ...]
    fold: Fold = "mean"
    note: str = ""
    most: float | None = None

    def thinned(self, most: int) -> Panel:
        return replace(self, lines=tuple(line.thinned(most) for line in self.lines))


def _ends(bucket: Sequence[float | None]) -> list[float | None]:
    """The least and the most of a bucket, in the order in which they came."""
    known = [value for value in bucket if value is not None]
    if not known:
        return [None, None]
    least, most = min(known), max(known)
    return [least, most] if bucket.index(least) <= bucket.index(most) else [most, least]


def _short(value: float) -> float:
    """Four figures are more than a chart shows; fewer bytes are sent."""
    found = float(f"{value:.4g}")
    return int(found) if found.is_integer() and abs(found) < 1e15 else found
