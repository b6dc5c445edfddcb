"""The story of a run, made up: what a screen has to show of it at any moment can be said beforehand."""

from __future__ import annotations

from typing import Any

from flashcrowd.rundir import Event
from gamedays.screen.state import State

START = 1_800_000_000.0
NAME = "network.latency on inventory"
ABOUT = {"id": "f1", "fault": "network.latency", "on": "inventory", "message": NAME, "step": 0}
STEP = {"runbook": "order-latency", "section": "Mitigation", "step": "reserve-blocks"}
TAKEN_BACK = {"runbook": "order-latency", "taken_back": ["reserve-blocks"], "kept": []}
PAGE = {"alert": "OrderLatencyBurn", "runbook": "order-latency", "latency": 0.4}
STORY: list[tuple[float, str, str, dict[str, Any], str]] = [
    (-8.0, "conductor", "starting", {"target": "embedded"}, "starting"),
    (0.0, "conductor", "started", {"duration": 120.0}, "baseline"),
    (30.0, "sale", "opened", {"wave": 1}, "baseline"),
    (50.0, "fault", "injected", ABOUT, "fault"),
    (51.0, "fault", "bites", {**ABOUT, "message": "p50 811 ms"}, "fault"),
    (54.2, "alert", "page", PAGE, "fault"),
    (54.3, "runbook", "started", {"runbook": "order-latency"}, "mitigation"),
    (54.4, "runbook", "step_start", STEP, "mitigation"),
    (54.5, "runbook", "step_end", {**STEP, "state": "done", "message": "200 OK\n" * 30}, "mitigation"),
    (64.0, "runbook", "ended", {"runbook": "order-latency", "outcome": "recovered"}, "recovery"),
    (110.0, "fault", "healed", {**ABOUT, "message": "p50 9 ms again"}, "recovery"),
    (110.4, "runbook", "stood_down", TAKEN_BACK, "recovery"),
    (120.0, "conductor", "ended", {}, "judging"),
]
"""Seconds since the start, an event, and the phase from then on."""


def event(at: float, source: str, kind: str, **data: Any) -> Event:
    return Event(START + at, source, kind, data)


def until(seconds: float) -> list[Event]:
    """What has happened by then."""
    return [event(at, source, kind, **data) for at, source, kind, data, _ in STORY if at <= seconds]


def state(seconds: float) -> State:
    found = State()
    for one in until(seconds):
        found = found.after(one)
    return found
