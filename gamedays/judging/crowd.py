"""Crowd health: whether the load generator kept up, from the figures that it kept of itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from loadtests.result import read_result

WINDOW = 10.0
"""Seconds for which the generator looks back before it calls itself saturated (`loadtests/generator.py`)."""


@dataclass(frozen=True)
class Crowd:
    """viewers: the most that were connected at once, None when Prometheus left no series of them. lag: p99 of our own
    lateness, seconds (upper edge of its bucket). saturated_seconds: how long the generator said that it couldn't keep
    up."""

    viewers: int | None
    lag: float
    saturated_seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def doubtful(crowd: Crowd | None, charts: list[dict[str, Any]], start: float, end: float) -> bool:
    """Whether the generator may have been late between two unix times: it said so, or nobody knows when it was."""
    if crowd is None or crowd.saturated_seconds <= 0:
        return crowd is None
    points = [point for chart in charts if chart["series"] == "saturated" for point in chart["points"]]
    late = [at for at, value in points if value]
    return not late or any(start <= at <= end + WINDOW for at in late)


def crowd(run: RunDirectory, charts: list[dict[str, Any]]) -> Crowd | None:
    """The generator's health; None when it left nothing: it was killed, or never began."""
    connected = [value for chart in charts if chart["series"] == "connected" for _, value in chart["points"]]
    try:
        result = read_result(run)
    except InputError:
        return None
    return Crowd(round(max(connected)) if connected else None, result.lag_p99, result.saturated_seconds)
