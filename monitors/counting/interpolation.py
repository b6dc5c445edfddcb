"""Interpolation: between what a latency SLO lies whose threshold is no bucket edge, and why, in words."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from monitors.counting.thresholds import Threshold, around, edges, instead, thresholds
from monitors.prometheus import Prometheus


@dataclass(frozen=True)
class Bounds:
    """What a value lies between, and why it isn't known. low, high: as the query gives them, unless `counted`."""

    low: float
    high: float
    why: str

    def counted(self, total: float, seconds: float) -> Bounds:
        """Rates of bad events as events, between none and all of them."""
        low, high = (min(max(value, 0.0), total) * seconds for value in (self.low, min(self.high, total)))
        return Bounds(low, high, self.why)


async def bounds(prometheus: Prometheus, query: str, at: float) -> Bounds | None:
    """What the query lies between at a unix time; None where its thresholds are edges, or nothing is known of edges.

    Raises:
        InputError, NeedError: as `Prometheus.value`.
    """
    asked = thresholds(query)
    for threshold in asked:
        if threshold.text is None:
            return Bounds(0.0, math.inf, "histogram_quantile interpolates, and its error isn't known here")
        found = await edges(prometheus, threshold, at)
        if not threshold.matcher and not found:
            return Bounds(0.0, math.inf, "histogram_quantile interpolates, and no bucket edges bound it")
        if found and (near := around(threshold, found)) is not None:
            if len(asked) > 1:
                return Bounds(0.0, math.inf, f"{_shown(threshold)} is no bucket edge")
            values = await asyncio.gather(
                *(_with(prometheus, query, threshold, edge, at) for edge in (near.below, near.above))
            )
            low = min(values) if near.above is not None else 0.0
            return Bounds(low, max(values), _why(threshold, near.below, near.above))
    return None


async def _with(prometheus: Prometheus, query: str, threshold: Threshold, edge: str | None, at: float) -> float:
    """The query with an edge in the place of the threshold; where there is no such edge anything is possible."""
    if edge is None or (other := instead(query, threshold, edge)) == query:
        return math.inf
    value = await prometheus.value(other, at)
    return value if value is not None and math.isfinite(value) else math.inf


def _why(threshold: Threshold, below: str | None, above: str | None) -> str:
    if below == above:
        return f"{_shown(threshold)} is written {below} by the server"
    if below is None:
        return f"{_shown(threshold)} is below the lowest bucket edge, {above}"
    return f"{_shown(threshold)} is no bucket edge: the next ones are {below} and {above}"


def _shown(threshold: Threshold) -> str:
    return f'le="{threshold.text}"' if threshold.matcher else f"the threshold {threshold.text}"
