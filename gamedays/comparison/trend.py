"""Trend: each figure over all runs, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flashcrowd.units import utc
from gamedays.comparison.measured import Measured
from gamedays.comparison.row import GROUPS, Key
from gamedays.screen.bars import BARS

GAP = "·"


@dataclass(frozen=True)
class Point:
    """One run of a trend. started: unix seconds."""

    run: str
    started: float
    control: str | None

    @property
    def label(self) -> str:
        """For an axis: month, day and time, UTC."""
        return utc(self.started)[5:16].replace("T", " ")


@dataclass(frozen=True)
class Series:
    """One figure; a value for each run, None where there is none. texts: the same for people."""

    key: Key
    unit: str
    values: tuple[float | None, ...]
    texts: tuple[str, ...]

    @property
    def sparkline(self) -> str:
        """A bar a run, the highest fills its cell; a dot where there is no figure."""
        top = max((value for value in self.values if value is not None), default=0.0)
        return "".join(GAP if value is None else _bar(value, top) for value in self.values)


@dataclass(frozen=True)
class Trend:
    """Figures over runs."""

    points: tuple[Point, ...]
    series: tuple[Series, ...]

    def as_dict(self) -> dict[str, Any]:
        series = [{**asdict(one.key), "unit": one.unit, "values": list(one.values)} for one in self.series]
        return {"runs": [asdict(point) for point in self.points], "series": series}


def trend(runs: Sequence[Measured]) -> Trend:
    """Of runs in any order; what never had a figure is left out."""
    runs = sorted(runs, key=lambda run: (run.story.start, run.name))
    keys = sorted({key for run in runs for key in run.measures}, key=lambda key: (GROUPS.index(key.group), key.name))
    points = tuple(Point(run.name, run.story.start, run.story.control) for run in runs)
    found = [_series(key, runs) for key in keys]
    return Trend(points, tuple(one for one in found if any(value is not None for value in one.values)))


def _series(key: Key, runs: Sequence[Measured]) -> Series:
    found = [run.measures.get(key) for run in runs]
    unit = next(one.unit for one in found if one is not None)
    values = tuple(None if one is None else one.value for one in found)
    return Series(key, unit, values, tuple("-" if one is None else one.text for one in found))


def _bar(value: float, top: float) -> str:
    return BARS[round(value / top * (len(BARS) - 1))] if top > 0 else BARS[0]
