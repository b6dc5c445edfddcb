"""Measure: how many events of an SLO were bad in given windows, counted by Prometheus with the SLO's own queries."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitors.counting import evidence
from monitors.counting.evidence import Evidence
from monitors.counting.interpolation import Bounds, bounds
from monitors.counting.scrapes import Window
from monitors.counting.selectors import breaks, selectors
from monitors.prometheus import Prometheus
from monitors.slo import Slo


@dataclass(frozen=True)
class Counts:
    """What was counted, all windows together.

    bad, total: events, estimated from rates; None without data. ratio: the bad share of a raw SLI, each second
    weighing the same, as it knows no events. gaps: the times without data. errors_unseen: there was no error series
    at all, which is what a service without errors looks like, and a mistyped query too. unreal: what gave no number,
    NaN or an infinite one, in words. restarts: counters that began anew. processes: the fewest and the most that were
    heard at once. bounds: what bad, or the ratio, lies between, where the SLO's threshold is no bucket edge.
    """

    bad: float | None = None
    total: float | None = None
    ratio: float | None = None
    gaps: tuple[Window, ...] = ()
    errors_unseen: bool = False
    unreal: tuple[str, ...] = ()
    restarts: int = 0
    processes: tuple[int, int] | None = None
    bounds: Bounds | None = None


async def measure(slo: Slo, prometheus: Prometheus, windows: Sequence[Window]) -> Counts:
    """Count the events inside the windows, which must not overlap.

    Each query is asked at the end of a window and over its length: a rate times seconds gives events. A window with
    fewer than two scrapes has no rate, hence no data. What the samples are worth is asked in one query more, as a
    Prometheus that stopped half way through would otherwise be heard for the whole.

    Raises:
        InputError: Prometheus refuses a query, or it gives several series; NeedError: it doesn't answer.
    """
    kept = [window for window in windows if window[1] > window[0]]
    one = _ratio_of if slo.sli.raw is not None else _events_of
    return _together(kept, await asyncio.gather(*(one(slo, prometheus, window) for window in kept)))


async def _events_of(slo: Slo, prometheus: Prometheus, window: Window) -> Counts:
    end, seconds = window[1], window[1] - window[0]
    errors, totals = slo.error_query(seconds), slo.total_query(seconds)
    bad, total, found, limits = await asyncio.gather(
        prometheus.value(errors, end),
        prometheus.value(totals, end),
        evidence.look(prometheus, selectors(totals), window),
        bounds(prometheus, errors, end),
    )
    if total is None:
        return Counts(gaps=(window,))
    missing = broken(errors) if bad is None and limits is None else ()
    unreal = (*missing, *_unreal("error_query", bad), *_unreal("total_query", total)) or _samples(found)
    return Counts(
        bad=None if missing else 0.0 if bad is None else bad * seconds if math.isfinite(bad) else None,
        total=total * seconds if math.isfinite(total) else None,
        gaps=found.gaps,
        errors_unseen=bad is None and limits is None,
        unreal=unreal,
        restarts=found.restarts,
        processes=found.processes,
        bounds=limits and limits.counted(total, seconds),
    )


async def _ratio_of(slo: Slo, prometheus: Prometheus, window: Window) -> Counts:
    query = slo.ratio_query(window[1] - window[0])
    ratio, found, limits = await asyncio.gather(
        prometheus.value(query, window[1]),
        evidence.look(prometheus, selectors(query), window),
        bounds(prometheus, query, window[1]),
    )
    if ratio is None and (limits is None or math.isinf(limits.high)):
        return Counts(gaps=(window,))
    return Counts(
        ratio=_finite(ratio),
        gaps=found.gaps,
        unreal=_unreal("error_ratio_query", ratio) or _samples(found),
        restarts=found.restarts,
        processes=found.processes,
        bounds=limits,
    )


def _together(windows: Sequence[Window], parts: Sequence[Counts]) -> Counts:
    known = [part for part in parts if part.total is not None]
    sure = known and all(part.bad is not None for part in known)
    heard = [part.processes for part in parts if part.processes is not None]
    return Counts(
        bad=sum(part.bad or 0.0 for part in known) if sure else None,
        total=sum(part.total or 0.0 for part in known) if known else None,
        ratio=_mean(windows, parts, lambda part: part.ratio),
        gaps=tuple(gap for part in parts for gap in part.gaps),
        errors_unseen=bool(known) and all(part.errors_unseen for part in known),
        unreal=tuple(dict.fromkeys(text for part in parts for text in part.unreal)),
        restarts=sum(part.restarts for part in parts),
        processes=(min(low for low, _ in heard), max(high for _, high in heard)) if heard else None,
        bounds=_bounds(windows, parts),
    )


def _mean(windows: Sequence[Window], parts: Sequence[Counts], of: Callable[[Counts], float | None]) -> float | None:
    """The mean over the seconds that have a value."""
    weighed = [(of(part), end - start) for part, (start, end) in zip(parts, windows, strict=True)]
    known = [(value, seconds) for value, seconds in weighed if value is not None]
    length = sum(seconds for _, seconds in known)
    return sum(value * seconds for value, seconds in known) / length if known else None


def _bounds(windows: Sequence[Window], parts: Sequence[Counts]) -> Bounds | None:
    """Those of all windows: bad events are added; ratios are averaged."""
    told = [part.bounds for part in parts if part.bounds is not None]
    if not told:
        return None
    if any(part.total is not None for part in parts):
        lows = sum(part.bounds.low if part.bounds else part.bad or 0.0 for part in parts)
        highs = sum(part.bounds.high if part.bounds else part.bad or 0.0 for part in parts)
        return Bounds(lows, highs, told[0].why)
    low = _mean(windows, parts, lambda part: part.bounds.low if part.bounds else part.ratio)
    high = _mean(windows, parts, lambda part: part.bounds.high if part.bounds else part.ratio)
    return Bounds(low or 0.0, high or 0.0, told[0].why)


def _unreal(name: str, value: float | None) -> tuple[str, ...]:
    if value is None or math.isfinite(value):
        return ()
    return (f"{name} gives {'NaN' if math.isnan(value) else 'an infinite number'}",)


def broken(errors: str) -> tuple[str, ...]:
    """Why no error series is no data, where a side of a calculation is missing."""
    operator = breaks(errors)
    return (f"a side of the '{operator}' in error_query has no series",) if operator else ()


def _samples(found: Evidence) -> tuple[str, ...]:
    return ("there is NaN among the samples",) if found.unreal else ()


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
