"""Extracts: what is kept of Prometheus in the run directory, so that nothing later needs the server.

metrics/sli.json       the bad and all events of every SLO, by the second
metrics/charts.json    the series of the report's timeline
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.units import format_duration
from gamedays.judging.sli import Sli, align
from monitors.prometheus import Prometheus
from monitors.slo import Slo

STEP = 1.0
"""Seconds between rows: the rehearsal's scrape interval."""

MOST_POINTS = 10_000
"""Of one answer: Prometheus refuses more than 11,000, which a soak of three hours has."""

WINDOW = 3.0
RATE = format_duration(WINDOW)
"""The range of the rates below: the shortest that a single missed scrape doesn't empty at one scrape a second."""


OTHER = (KeyError, TypeError, ValueError)
"""What reading JSON of another kind than was saved raises; it counts as missing."""


@dataclass(frozen=True)
class Chart:
    """One series of the timeline. panel: what it is drawn with; unit: of its values."""

    panel: str
    series: str
    unit: str
    query: str


_ORDERS = 'flashcrowd_request_duration_seconds_bucket{name="order"}'
_ORDERS_RAW = 'flashcrowd_service_seconds_bucket{name="order"}'
_DELIVERY = "flashcrowd_chat_delivery_seconds_bucket"
_FRESHNESS = "flashcrowd_event_freshness_seconds_bucket"
_LAG = "flashcrowd_generator_{}lag_seconds_bucket"


def _rate(counter: str) -> str:
    return f"sum(rate({counter}[{RATE}]))"


def _quantile(share: float, buckets: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (rate({buckets}[{RATE}])))"


CHARTS = (
    Chart("Viewers", "connected", "viewers", 'sum(flashcrowd_viewers{state="connected"})'),
    Chart("Viewers", "reconnecting", "viewers", 'sum(flashcrowd_viewers{state="reconnecting"})'),
    Chart("Arrivals", "entered", "a second", _rate('flashcrowd_requests_total{name="connect",outcome="ok"}')),
    Chart("Arrivals", "refused", "a second", _rate('flashcrowd_requests_total{name="connect",outcome="error"}')),
    Chart("Arrivals", "planned", "a second", _rate('flashcrowd_arrivals_total{outcome="planned"}')),
    Chart("Arrivals", "started", "a second", _rate('flashcrowd_arrivals_total{outcome="started"}')),
    Chart("Arrivals", "dropped", "a second", _rate('flashcrowd_arrivals_total{outcome="dropped"}')),
    Chart("Orders", "accepted", "orders/s", _rate('flashcrowd_orders_total{outcome="accepted"}')),
    Chart("Orders", "rejected", "orders/s", _rate('flashcrowd_orders_total{outcome="rejected"}')),
    Chart("Orders", "unknown", "orders/s", _rate('flashcrowd_orders_total{outcome="unknown"}')),
    Chart("Comments", "said", "comments/s", _rate('flashcrowd_requests_total{name="say",outcome="ok"}')),
    Chart("Order latency", "p50", "seconds", _quantile(0.5, _ORDERS)),
    Chart("Order latency", "p95", "seconds", _quantile(0.95, _ORDERS)),
    Chart("Order latency", "p99", "seconds", _quantile(0.99, _ORDERS)),
    Chart("Order latency", "p50 raw", "seconds", _quantile(0.5, _ORDERS_RAW)),
    Chart("Order latency", "p99 raw", "seconds", _quantile(0.99, _ORDERS_RAW)),
    Chart("Chat delivery", "p50", "seconds", _quantile(0.5, _DELIVERY)),
    Chart("Chat delivery", "p99", "seconds", _quantile(0.99, _DELIVERY)),
    Chart(
        "Stalls",
        "stalled",
        "ratio",
        f"{_rate('flashcrowd_playback_stall_seconds_total')} / {_rate('flashcrowd_playback_watch_seconds_total')}",
    ),
    Chart("Freshness", "p50", "seconds", _quantile(0.5, _FRESHNESS)),
    Chart("Freshness", "p99", "seconds", _quantile(0.99, _FRESHNESS)),
    Chart("Generator lag", "p99", "seconds", _quantile(0.99, _LAG.format(""))),
    Chart("Generator lag", "late starts, p99", "seconds", _quantile(0.99, _LAG.format("start_"))),
    Chart("Generator lag", "late reads, p99", "seconds", _quantile(0.99, _LAG.format("read_"))),
    Chart("Generator CPU", "busiest process", "ratio", "max(flashcrowd_generator_cpu_ratio)"),
    Chart("Generator CPU", "saturated", "ratio", "max(flashcrowd_generator_saturated)"),
)


async def save(run: RunDirectory, prometheus: Prometheus, slos: Sequence[Slo], start: float, end: float) -> None:
    """Write the extracts of `start`..`end` (unix seconds). Raises NeedError when Prometheus doesn't answer, InputError
    when a query can't be used."""
    slis = [await _sli(prometheus, slo, start, end) for slo in slos]
    run.write_json("metrics/sli.json", [sli.as_dict() for sli in slis])
    charts = [await _chart(prometheus, chart, start, end) for chart in CHARTS]
    run.write_json("metrics/charts.json", charts)


def load_charts(run: RunDirectory) -> list[dict[str, Any]]:
    """The series of the timeline; empty when the run ended without them."""
    try:
        return [_series(row) for row in run.read_json("metrics/charts.json")]
    except (InputError, *OTHER):
        return []


def load_slis(run: RunDirectory) -> dict[str, Sli]:
    """The SLIs of a run by SLO name; empty when the run ended without them."""
    try:
        return {row["name"]: Sli.from_dict(row) for row in run.read_json("metrics/sli.json")}
    except (InputError, *OTHER):
        return {}


def _series(row: dict[str, Any]) -> dict[str, Any]:
    """A series as it was saved. Raises one of OTHER when it is something else."""
    points = [[float(at), value] for at, value in row["points"]]
    return {**row, **{name: str(row[name]) for name in ("panel", "series", "unit", "query")}, "points": points}


async def _sli(prometheus: Prometheus, slo: Slo, start: float, end: float) -> Sli:
    bad = await _range(prometheus, slo.bad_query(WINDOW), start, end)
    total = await _range(prometheus, slo.total_query(WINDOW), start, end)
    return align(slo.name, STEP, start, end, bad, total)


async def _chart(prometheus: Prometheus, chart: Chart, start: float, end: float) -> dict[str, Any]:
    points = await _range(prometheus, chart.query, start, end)
    return {
        "panel": chart.panel,
        "series": chart.series,
        "unit": chart.unit,
        "query": chart.query,
        "points": [[at, value] for at, value in points],
    }


async def _range(prometheus: Prometheus, query: str, start: float, end: float) -> list[tuple[float, float]]:
    """The one series of a query, in as many parts as Prometheus wants. Raises InputError when there are several."""
    points: list[tuple[float, float]] = []
    first = (start // STEP) * STEP
    while first <= end:
        last = min(end, first + (MOST_POINTS - 1) * STEP)
        series = await prometheus.query_range(query, first, last, STEP)
        if len(series) > 1:
            raise InputError(f"wants a query with one series, got {len(series)}; put sum(...) around it: {query}")
        points += series[0].points if series else ()
        first += MOST_POINTS * STEP
    return points
