"""Measure: how many events of an SLO were bad in given windows, counted by Prometheus with the SLO's own queries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from monitors.prometheus import Prometheus
from monitors.slo import Slo

Window = tuple[float, float]
"""Start and end, unix seconds."""


@dataclass(frozen=True)
class Counts:
    """What was counted, all windows together.

    bad, total: events, estimated from rates; None without data. ratio: the bad share of a raw SLI, each second
    weighing the same, as it knows no events. gaps: the times without data. errors_unseen: there was no error series
    at all, which is what a service without errors looks like, and a mistyped query too.
    """

    bad: float | None = None
    total: float | None = None
    ratio: float | None = None
    gaps: tuple[Window, ...] = ()
    errors_unseen: bool = False


async def measure(slo: Slo, prometheus: Prometheus, windows: Sequence[Window]) -> Counts:
    """Count the events inside the windows, which must not overlap.

    Each query is asked at the end of a window and over its length: a rate times seconds gives events. A window with
    fewer than two scrapes has no rate, hence no data. Each half of a window must have some by itself: a Prometheus
    that stopped half way through would otherwise be heard for the whole.

    Raises:
        InputError: Prometheus refuses a query, or it gives several series; NeedError: it doesn't answer.
    """
    kept = [window for window in windows if window[1] > window[0]]
    one = _ratio_of if slo.sli.raw is not None else _events_of
    return _together(kept, await asyncio.gather(*(one(slo, prometheus, window) for window in kept)))


async def _events_of(slo: Slo, prometheus: Prometheus, window: Window) -> Counts:
    start, end = window
    seconds, middle = end - start, (start + end) / 2
    bad, total, first, second = await asyncio.gather(
        prometheus.scalar(slo.error_query(seconds), end),
        prometheus.scalar(slo.total_query(seconds), end),
        prometheus.scalar(slo.total_query(seconds / 2), middle),
        prometheus.scalar(slo.total_query(seconds / 2), end),
    )
    if total is None:
        return Counts(gaps=(window,))
    halves = ((first, (start, middle)), (second, (middle, end)))
    return Counts(
        bad=(bad or 0.0) * seconds,
        total=total * seconds,
        gaps=tuple(half for found, half in halves if found is None),
        errors_unseen=bad is None,
    )


async def _ratio_of(slo: Slo, prometheus: Prometheus, window: Window) -> Counts:
    ratio = await prometheus.scalar(slo.ratio_query(window[1] - window[0]), window[1])
    return Counts(ratio=ratio, gaps=(window,) if ratio is None else ())


def _together(windows: Sequence[Window], parts: Sequence[Counts]) -> Counts:
    known = [part for part in parts if part.total is not None]
    weighed = [(part.ratio, end - start) for part, (start, end) in zip(parts, windows, strict=True)]
    ratios = [(ratio, seconds) for ratio, seconds in weighed if ratio is not None]
    length = sum(seconds for _, seconds in ratios)
    return Counts(
        bad=sum(part.bad or 0.0 for part in known) if known else None,
        total=sum(part.total or 0.0 for part in known) if known else None,
        ratio=sum(ratio * seconds for ratio, seconds in ratios) / length if ratios else None,
        gaps=tuple(gap for part in parts for gap in part.gaps),
        errors_unseen=bool(known) and all(part.errors_unseen for part in known),
    )
