"""Loads: the charts of a load without Prometheus, from what its generator wrote down: requests, and every order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from gamedays.report.charts.line import Line, Panel
from loadtests.crowd.histogram import LatencyHistogram
from loadtests.history import OrderOutcome, read_history
from loadtests.result import STATS

NAMES = 6
"""Requests that have a line of their own; the others share one."""

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass
class _Second:
    """The orders that ended in one second."""

    outcomes: Counter[OrderOutcome] = field(default_factory=Counter)
    times: LatencyHistogram = field(default_factory=LatencyHistogram)


def request_panels(run: RunDirectory, start: float) -> list[Panel]:
    """Requests and failures a second, by name; nothing where the load ended before they were written."""
    try:
        rows = run.read_json(f"load/{STATS}")
    except InputError:
        return []
    rows.sort(key=lambda row: -row["num_requests"])
    panels = (
        _rates(rows, start, "num_reqs_per_sec", "requests", "Requests"),
        _rates(rows, start, "num_fail_per_sec", "failures", "Failed requests"),
    )
    return [panel for panel in panels if panel is not None]


def order_panels(run: RunDirectory, start: float) -> list[Panel]:
    """Outcomes and response times of the orders by the second in which they ended, from the viewers' own history."""
    seconds = defaultdict[int, _Second](_Second)
    try:
        for order in read_history(run.path / "load"):
            second = seconds[int(order.end - start)]
            second.outcomes[order.outcome] += 1
            second.times.record(order.end - order.start)
    except InputError:
        return []
    outcomes = [Line.of(str(one), _counts(seconds, one)) for one in OrderOutcome]
    times = [Line.of(name, _times(seconds, share)) for name, share in QUANTILES.items()]
    note = "from the viewer's wish to the answer, in the second of the answer"
    panels = (
        Panel("orders", "Order outcomes", "orders a second", _known(outcomes), note="as the viewers saw them"),
        Panel("order-latency", "Order latency", "ms", _known(times), "max", note),
    )
    return [panel for panel in panels if panel.lines]


def began(run: RunDirectory) -> float:
    """The first second of a load that nobody conducted, unix time; 0 where it left nothing."""
    try:
        rows = run.read_json(f"load/{STATS}")
    except InputError:
        rows = []
    starts = [float(second) for row in rows for second in row.get("num_reqs_per_sec", {})]
    return min(starts, default=0.0)


def _rates(rows: Iterable[Mapping[str, object]], start: float, counted: str, key: str, title: str) -> Panel | None:
    lines = dict[str, Counter[int]]()
    for row in rows:
        counts = row.get(counted) or {}
        assert isinstance(counts, dict)
        name = str(row["name"]) if len(lines) < NAMES or row["name"] in lines else "others"
        if counts:
            lines.setdefault(name, Counter()).update({int(second): count for second, count in counts.items()})
    found = _known(Line.of(name, _filled(counts, start)) for name, counts in lines.items())
    return Panel(key, title, "a second", found) if found else None


def _filled(counts: Counter[int], start: float) -> Iterator[tuple[float, float]]:
    """Every second between the first and the last: where nothing was counted, there was nothing."""
    for second in range(min(counts), max(counts) + 1):
        yield second - start, counts[second]


def _counts(seconds: Mapping[int, _Second], outcome: OrderOutcome) -> Iterator[tuple[float, float]]:
    for at in range(min(seconds), max(seconds) + 1) if seconds else ():
        yield at, seconds[at].outcomes[outcome] if at in seconds else 0


def _times(seconds: Mapping[int, _Second], share: float) -> Iterator[tuple[float, float]]:
    for at in sorted(seconds):
        yield at, seconds[at].times.quantile(share) * 1000


def _known(lines: Iterable[Line | None]) -> tuple[Line, ...]:
    return tuple(line for line in lines if line is not None)
