"""The built-in pages tell causes apart: each known one is found by its own steps alone, and health by none."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runbooks.catalogue import find
from runbooks.model import Heading, PromqlStep

Values = Mapping[str, float]
"""Series by name: a counter's rate, any other's value."""

ERRORS, STORED = 'shop_orders_total{outcome="error"}', 'inventory_orders_total{outcome="stored"}'
INVENTORY, STREAM, EVENTS = 'up{job="inventory"}', 'up{job="stream"}', 'up{job="events"}'
LIVE_1, LIVE_2 = 'up{job="live",instance="1"}', 'up{job="live",instance="2"}'
REFUSED, DROPPED = "live_refused_total", "live_dropped_viewers_total"
RECEIVED, CONNECTED, WAITING = "live_messages_received_total", "live_connections", "live_waiting_comments"
QUICK, SLOW = 'live_broadcast_seconds_bucket{le="0.05"}', 'live_broadcast_seconds_bucket{le="0.25"}'
ALL = 'live_broadcast_seconds_bucket{le="+Inf"}'
STALLED, WATCHED = "flashcrowd_playback_stall_seconds_total", "flashcrowd_playback_watch_seconds_total"
PASSES, NO_PASSES = 'stream_passes_total{outcome="given"}', 'stream_passes_total{outcome="failed"}'
STARTS, LATE_STARTS = (f'flashcrowd_playback_starts_total{{outcome="{outcome}"}}' for outcome in ("on_time", "late"))
AGE, OLDEST = "stream_newest_segment_age_seconds", "events_freshness_seconds"
LATE = 'flashcrowd_event_probes_total{outcome="late"}'

QUIET = {RECEIVED: 30, CONNECTED: 300, WAITING: 4, QUICK: 4, SLOW: 4, ALL: 4, LIVE_1: 1, LIVE_2: 1}
CASES: dict[str, list[tuple[set[str], Values]]] = {
    "order-errors": [
        (set(), {INVENTORY: 1, ERRORS: 0, STORED: 30}),
        ({"inventory-gone"}, {INVENTORY: 0, ERRORS: 30}),
        ({"link-broken"}, {INVENTORY: 1, ERRORS: 30, STORED: 0}),
        ({"shop-fails"}, {INVENTORY: 1, ERRORS: 30, STORED: 30}),
    ],
    "viewer-drops": [
        (set(), {LIVE_1: 1, LIVE_2: 1, REFUSED: 0, DROPPED: 0}),
        ({"live-process-gone"}, {LIVE_1: 0, LIVE_2: 1, REFUSED: 30, DROPPED: 0}),
        ({"all-full"}, {LIVE_1: 1, LIVE_2: 1, REFUSED: 30, DROPPED: 0}),
        ({"readers-too-slow"}, {LIVE_1: 1, LIVE_2: 1, REFUSED: 0, DROPPED: 3}),
    ],
    "chat-delivery": [
        (set(), QUIET),
        ({"flooded", "too-many-comments"}, {**QUIET, RECEIVED: 1600, WAITING: 4500}),
        ({"too-many-comments"}, {**QUIET, RECEIVED: 1600, CONNECTED: 40_000, WAITING: 4500}),
        ({"live-starved"}, {**QUIET, QUICK: 0}),
        ({"live-process-gone"}, {**QUIET, LIVE_1: 0}),
    ],
    "playback-stalls": [
        (set(), {STREAM: 1, AGE: 1.9, STALLED: 0, WATCHED: 30}),
        ({"origin-silent"}, {STREAM: 1, AGE: 8, STALLED: 20, WATCHED: 30}),
        ({"edge-gone"}, {STREAM: 0, STALLED: 20, WATCHED: 30}),
        ({"way-to-players-slow"}, {STREAM: 1, AGE: 1.9, STALLED: 20, WATCHED: 30}),
    ],
    "playback-start": [
        (set(), {STREAM: 1, PASSES: 5, NO_PASSES: 0, STARTS: 5, LATE_STARTS: 0}),
        ({"no-passes"}, {STREAM: 1, PASSES: 1, NO_PASSES: 4, STARTS: 1, LATE_STARTS: 4}),
        ({"edge-gone"}, {STREAM: 0, STARTS: 0, LATE_STARTS: 5}),
        ({"start-waits-elsewhere"}, {STREAM: 1, PASSES: 5, NO_PASSES: 0, STARTS: 1, LATE_STARTS: 4}),
    ],
    "behaviour-freshness": [
        (set(), {EVENTS: 1, OLDEST: 0.02, LATE: 0}),
        ({"consumer-behind"}, {EVENTS: 1, OLDEST: 5, LATE: 20}),
        ({"events-gone"}, {EVENTS: 0, LATE: 20}),
        ({"late-before-us"}, {EVENTS: 1, OLDEST: 0.02, LATE: 20}),
    ],
}


def series(name: str, value: float) -> dict[str, str]:
    counter = name.partition("{")[0].endswith(("_total", "_bucket"))
    return {"series": name, "values": f"0+{value}x20" if counter else f"{value}+0x20"}


def case(page: str, found: set[str], values: Values) -> dict[str, Any]:
    """A promtool test: the steps that match, and that no other one does."""
    tests = []
    for step in find(page).steps(Heading.DIAGNOSIS):
        assert isinstance(step, PromqlStep) and step.expect is not None
        expr = f"count(({step.query}) {step.expect.operator} {step.expect.bound}) > bool 0"
        samples = [{"labels": "{}", "value": 1}] if step.name in found else []
        tests.append({"expr": expr, "eval_time": "15s", "exp_samples": samples})
    rows = [series(name, value) for name, value in values.items()]
    return {"interval": "1s", "input_series": rows, "promql_expr_test": tests}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool not found on PATH")
@pytest.mark.parametrize("page", CASES)
def test_each_cause_is_found_by_its_own_steps_alone(tmp_path: Path, page: str) -> None:
    known = {step.name for step in find(page).steps(Heading.DIAGNOSIS)}
    assert set().union(*(found for found, _ in CASES[page])) == known
    tests = [case(page, found, values) for found, values in CASES[page]]
    file = tmp_path / "causes.yaml"
    file.write_text(json.dumps({"evaluation_interval": "1s", "tests": tests}))
    told = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
