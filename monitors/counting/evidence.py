"""Evidence: what the samples behind an SLO are worth, asked of Prometheus in one query over the window, and
in a few more where something is amiss.

Holes in them, processes that restarted, values that are no numbers, and how many processes were heard at once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitors.counting.scrapes import Bins, Window, least_gap
from monitors.counting.selectors import Selector
from monitors.prometheus import Prometheus

BINS = 60
"""Bins that a window is cut into. Up to 20 min with 15 s between scrapes are seen exactly at once, what is longer after
closer looks."""
CLOSER_LOOKS = 8
"""Times in one window that are looked at more closely."""
DEPTH = 3
"""Looks, each closer than the one before: 30 d with 15 s between scrapes take all three."""
OPEN = 0.001
"""Seconds that a bin is shorter than the distance of two: a range of Prometheus 2 holds samples at both of its ends."""
_KIND = "flashcrowd"


@dataclass(frozen=True)
class Evidence:
    """What was found in a window.

    gaps: the times without samples that are too long to pass over, unix seconds. interval: seconds between scrapes,
    None where fewer than two samples tell. restarts: counters that began anew, counted once a process. unreal: some
    sample was NaN. processes: the fewest and the most that were heard at once, None without samples.
    """

    gaps: tuple[Window, ...] = ()
    interval: float | None = None
    restarts: int = 0
    unreal: bool = False
    processes: tuple[int, int] | None = None


async def look(prometheus: Prometheus, series: Sequence[Selector], window: Window) -> Evidence:
    """What the samples of the series are worth in a window; series of which some are there speak for all.

    Raises:
        InputError: Prometheus refuses the query; NeedError: it doesn't answer.
    """
    if not series:
        return Evidence()
    bins, rows = await _ask(prometheus, series, window, _full(series, window))
    processes = [round(value) for value in rows["processes"].values()]
    restarts = max((value for value in rows["restarts"].values() if math.isfinite(value)), default=0.0)
    gaps, interval = list[Window](), bins.rough
    if not bins.steady:
        bins, _ = await _ask(prometheus, series, window, _times(series, window))
        gaps, interval = await _all_gaps(prometheus, series, bins)
    return Evidence(
        gaps=tuple(gaps),
        interval=interval,
        restarts=round(restarts),
        unreal=any(math.isnan(value) for value in rows["sums"].values()),
        processes=(min(processes), max(processes)) if processes else None,
    )


async def _all_gaps(
    prometheus: Prometheus, series: Sequence[Selector], bins: Bins, depth: int = 0
) -> tuple[list[Window], float | None]:
    """The gaps of a window, and the seconds between scrapes."""
    start, end = bins.window
    if (heard := bins.heard()) is not None and depth < DEPTH:
        closer, _ = await _ask(prometheus, series, heard, _times(series, heard))
        inner, interval = await _all_gaps(prometheus, series, closer, depth + 1)
        return _joined([(start, heard[0]), *inner, (heard[1], end)]), interval
    if bins.interval is None:
        return [bins.window], None
    return await _gaps(prometheus, series, bins, least_gap(bins.interval, end - start)), bins.interval


def _joined(gaps: Sequence[Window]) -> list[Window]:
    """Gaps of which one begins where another ends, as one; those without length left out."""
    found: list[Window] = []
    for start, end in gaps:
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        elif end > start:
            found.append((start, end))
    return found


async def _gaps(
    prometheus: Prometheus, series: Sequence[Selector], bins: Bins, least: float, depth: int = 0
) -> list[Window]:
    """The gaps of a window, what is doubtful in it looked at again in finer bins."""
    found = bins.gaps(least)
    for place in bins.doubtful()[:CLOSER_LOOKS] if depth < DEPTH else []:
        closer, _ = await _ask(prometheus, series, place, _times(series, place))
        exact = await _gaps(prometheus, series, closer, least, depth + 1) if closer.counts else [place]
        found += [gap for gap in exact if gap not in found]
    return sorted(found)


async def _ask(
    prometheus: Prometheus, series: Sequence[Selector], window: Window, promql: str
) -> tuple[Bins, dict[str, dict[int, float]]]:
    """Its bins, and what else the query gives, by kind and bin."""
    start, end = window
    step = _step(window)
    rows: dict[str, dict[int, float]] = defaultdict(dict)
    for found in await prometheus.query_range(promql, start, end, step):
        for at, value in found.points:
            rows[found.labels.get(_KIND, "")][round((at - start) / step)] = value
    counts = {number: value for number, value in rows["scrapes"].items() if number > 0}
    return Bins(window, step, counts, rows["newest"]), rows


def _times(series: Sequence[Selector], window: Window) -> str:
    """When samples came, and how many."""
    newest = _kind("newest", f"max({_any(f'timestamp({one.now()})' for one in series)})")
    return f"{newest} or {_scrapes(series, window)}"


def _scrapes(series: Sequence[Selector], window: Window) -> str:
    """How many samples there are in each bin."""
    step = _step(window) - OPEN
    return _kind("scrapes", f"max({_any(f'count_over_time({one.over(step)})' for one in series)})")


def _full(series: Sequence[Selector], window: Window) -> str:
    """How many samples there are, and all else that is asked of them."""
    length = window[1] - window[0]
    sums = _any(f"sum_over_time({one.over(length, 'end()')})" for one in series)
    alive = _any(f"count by (job, instance) ({one.now()})" for one in series)
    parts = [_scrapes(series, window), _kind("sums", f"sum({sums})"), _kind("processes", f"count({alive})")]
    if counters := [one for one in series if one.counter]:
        falls = _any(f"max by (job, instance) (resets({one.over(length, 'end()')}))" for one in counters)
        parts.append(_kind("restarts", f"sum({falls})"))
    return " or ".join(parts)


def _kind(name: str, promql: str) -> str:
    return f'label_replace({promql}, "{_KIND}", "{name}", "", "")'


def _any(parts: Iterable[str]) -> str:
    return " or ".join(parts)


def _step(window: Window) -> float:
    """Seconds of a bin, to the millisecond, which is what Prometheus reckons in."""
    return max(2.0, math.floor((window[1] - window[0]) * 1000 / BINS)) / 1000
