"""Crowd: the dashboard of a live-commerce load: viewers, orders, chat, picture, behaviour, and the generator itself.

It shows the metrics that the load exports (docs/dashboards.md), of whatever scenario: what a scenario doesn't do stays
empty, or 0.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models.units import PercentUnit, Seconds

from monitors.dashboards.frame import found, frame
from monitors.dashboards.panels import (
    EVENTS,
    GREEN,
    ORANGE,
    RATIO,
    RED,
    TIME,
    Looks,
    Panel,
    Query,
    figures,
    lines,
)

WINDOW = "$__rate_interval"
"""Grafana's own: at least four scrapes, and no less than a point of the panel."""


def crowd() -> boards.Dashboard:
    """The dashboard."""
    about = "What the crowd does and what it gets, as its own viewers measure it, and whether they can be trusted."
    made = frame("flashcrowd-crowd", "Live-commerce crowd", about, "15m", "5s")
    made.with_variable(found("name", "Request", "label_values(flashcrowd_requests_total, name)"))
    parts = {
        "Now": _now(),
        "Crowd": _crowd(),
        "Requests and orders": _requests(),
        "Chat": _chat(),
        "Picture and behaviour": [*_picture(), _freshness()],
        "The generator: can its measurements be trusted?": _generator(),
    }
    for title, panels in parts.items():
        made.with_row(boards.Row(title))
        for panel in panels:
            made.with_panel(panel)
    return made


def quantile(ratio: float, metric: str, by: str = "", selector: str = "") -> str:
    """PromQL of a quantile of a histogram's recent observations. by: a label to keep."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({ratio:g}, sum by ({labels}) (rate({metric}_bucket{selector}[{WINDOW}])))"


def rate(metric: str, by: str = "", selector: str = "") -> str:
    """PromQL of a counter's rate, summed up to one label, or to nothing."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{selector}[{WINDOW}]))"


def share(part: str, whole: str) -> str:
    """PromQL of a part of a whole; without a series of the part it is 0, as long as there is the whole."""
    return f"({part} or 0 * {whole}) / {whole}"


def failed() -> Panel:
    """The share of failed requests, for each kind of them."""
    selector = '{name=~"$name"}'
    errors = rate("flashcrowd_requests_total", "name", '{name=~"$name", outcome="error"}')
    query = Query(share(errors, rate("flashcrowd_requests_total", "name", selector)), "{{name}}")
    return lines("Failed requests", "Share of all, by name; a clear no, as sold out, is no failure.", RATIO, [query])


def response_time() -> Panel:
    """The response time, for each kind of requests."""
    selector = '{name=~"$name"}'
    return lines(
        "Response time, p99",
        "From the moment at which a viewer wanted it to the answer's arrival. The dashed line is 500 ms, in which "
        "an order should be answered.",
        Looks(Seconds, [(0.5, RED)], least=0),
        [Query(quantile(0.99, "flashcrowd_request_duration_seconds", "name", selector), "{{name}}")],
    )


def orders() -> Panel:
    """Orders as their viewers saw them end."""
    about = "A second, by outcome. `unknown`: no answer came, so that the viewer can't tell."
    return lines("Orders", about, EVENTS, [Query(rate("flashcrowd_orders_total", "outcome"), "{{outcome}}")])


def trusted(width: int = 6) -> Panel:
    """Whether the generator is saturated."""
    return figures(
        "Measurements",
        "Not to be trusted while the load generator itself is too late or too busy: then no verdict is a pass.",
        Looks(base=GREEN),
        [Query("max(flashcrowd_generator_saturated)", "generator")],
        width,
        says={"0": ("trusted", GREEN), "1": ("generator saturated", RED)},
    )


def _now() -> list[Panel]:
    viewers = Query('sum(flashcrowd_viewers{state="connected"})', "connected")
    errors = share(rate("flashcrowd_requests_total", selector='{outcome="error"}'), rate("flashcrowd_requests_total"))
    return [
        figures("Viewers connected", "In a room at this moment.", Looks(), [viewers]),
        figures(
            "Requests", "Answers and failures a second.", EVENTS, [Query(rate("flashcrowd_requests_total"), "requests")]
        ),
        figures(
            "Failed", "Share of all requests.", Looks(PercentUnit, [(0.005, ORANGE), (0.05, RED)]), [Query(errors, "")]
        ),
        trusted(),
    ]


def _crowd() -> list[Panel]:
    states = Query("sum by (state) (flashcrowd_viewers)", "{{state}}")
    rooms = Query("sum by (rooms) (flashcrowd_room_viewers)", "{{rooms}} rooms")
    arrivals = Query(rate("flashcrowd_arrivals_total", "outcome"), "{{outcome}}")
    return [
        lines("Viewers", "Each is in one state. Many reconnecting: the chat drops them.", Looks(), [states], 8, True),
        lines("Viewers by room", "The head room, and all small ones together.", Looks(), [rooms], 8, True),
        lines("Arrivals", "Scheduled starts a second; late or dropped ones are our own.", EVENTS, [arrivals], 8),
    ]


def _requests() -> list[Panel]:
    names = Query(rate("flashcrowd_requests_total", "name", '{name=~"$name"}'), "{{name}}")
    service = Query(quantile(0.99, "flashcrowd_service_seconds", "name", '{name=~"$name"}'), "{{name}}")
    about = "From sending to the answer's arrival. Far below the response time: requests wait behind earlier ones."
    return [
        lines("Requests", "A second, by name.", EVENTS, [names]),
        failed(),
        response_time(),
        lines("Service time, p99", about, TIME, [service]),
        orders(),
    ]


def _chat() -> list[Panel]:
    deliveries = Query(rate("flashcrowd_chat_deliveries_total", "outcome"), "{{outcome}}")
    delivery = Query(quantile(0.99, "flashcrowd_chat_delivery_seconds"), "p99")
    median = Query(quantile(0.5, "flashcrowd_chat_delivery_seconds"), "median")
    return [
        lines("Comments reaching viewers", "A second; on time is within 1 s.", EVENTS, [deliveries], 12, True),
        lines(
            "Delivery of comments",
            "From sending to arrival at another viewer. The dashed line is 1 s.",
            Looks(Seconds, [(1, RED)], least=0),
            [delivery, median],
        ),
    ]


def _picture() -> list[Panel]:
    starts = Query(rate("flashcrowd_playback_starts_total", "outcome"), "{{outcome}}")
    stalled = share(rate("flashcrowd_playback_stall_seconds_total"), rate("flashcrowd_playback_watch_seconds_total"))
    return [
        lines("Pictures started", "A second; on time is within 2 s.", EVENTS, [starts], 8, True),
        lines(
            "Time in stalls",
            "Share of the time of watching. The dashed line is 1 %.",
            Looks(PercentUnit, [(0.01, RED)], least=0),
            [Query(stalled, "stalled")],
            8,
        ),
    ]


def _freshness() -> Panel:
    return lines(
        "Freshness of behaviour data, p99",
        "From an event to its being visible. The dashed line is 5 s.",
        Looks(Seconds, [(5, RED)], least=0),
        [Query(quantile(0.99, "flashcrowd_event_freshness_seconds"), "p99")],
        8,
    )


def _generator() -> list[Panel]:
    lags = {
        "timers": "flashcrowd_generator_lag_seconds",
        "starts": "flashcrowd_generator_start_lag_seconds",
        "reads": "flashcrowd_generator_read_lag_seconds",
    }
    return [
        lines(
            "Lateness, p99",
            "Our own, never blamed on the platform: timers that woke late, viewers started late, answers read late.",
            TIME,
            [Query(quantile(0.99, metric), name) for name, metric in lags.items()],
        ),
        lines(
            "CPU of the busiest process",
            "Share of a core. The dashed line is 90 %: reported latencies hold up to there.",
            Looks(PercentUnit, [(0.9, RED)], least=0),
            [Query("max(flashcrowd_generator_cpu_ratio)", "generator")],
        ),
    ]
