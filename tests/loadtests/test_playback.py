from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from loadtests.hls.buffer import Buffer
from loadtests.metrics import Exporter, Reports, Tally
from loadtests.playback import Playback
from loadtests.result import summary

sessions = st.lists(st.lists(st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0]), min_size=1, max_size=8), max_size=5)


def played(waits: list[list[float]], tally: Playback) -> Playback:
    """Each session is a player who got a segment of a second after each of these waits."""
    for session in waits:
        now, buffer = 0.0, Buffer(tally, 0.0)
        for wait in session:
            now += wait
            buffer.add(1.0, now)
            tally.behind(now)
    return tally


@given(st.lists(sessions, min_size=1, max_size=3))
def test_workers_merged_are_as_one_that_saw_everything(workers):
    merged, alone = Playback(), Playback()
    for waits in workers:
        merged.merge(json.loads(json.dumps(played(waits, Playback()).as_dict())))
        played(waits, alone)
    assert merged.as_dict() == alone.as_dict()
    assert merged.summary() == alone.summary()


def test_a_report_that_comes_twice_changes_nothing_and_one_of_a_lost_worker_stays():
    tally, reports = Tally(), Reports()
    played([[1.0, 3.0]], tally.playback)
    for _ in range(2):
        reports.add("a", tally.as_dict())
    reports.lose("a")
    merged = reports.tally().playback
    assert (merged.players, merged.stalls, merged.stalled, merged.watched) == (1, 1, 2.0, 3.0)


def test_the_summary_says_what_was_seen():
    tally = Tally()
    assert json.loads(summary(tally))["stream"] == {}
    played([[1.0, 3.0], [2.5]], tally.playback)
    seen = json.loads(summary(tally))["stream"]
    assert (seen["players"], seen["starts_late"], seen["stalls"]) == (2, 1, 1)
    assert seen["stall_ratio"] == pytest.approx(2.0 / 3.0)
    assert seen["startup"]["max"] == 2.5


def test_prometheus_gets_what_the_slos_ask_for():
    tally, registry = Tally(), CollectorRegistry()
    played([[1.0, 3.0], [2.5]], tally.playback)
    tally.freshness.expect("click")
    tally.freshness.probed("click", "late")
    tally.freshness.visible(5.0)
    registry.register(Exporter(lambda: tally))
    text = generate_latest(registry).decode()
    for line in (
        "flashcrowd_playback_stall_seconds_total 2.0",
        "flashcrowd_playback_watch_seconds_total 3.0",
        "flashcrowd_playback_stalls_total 1.0",
        'flashcrowd_playback_starts_total{outcome="late"} 1.0',
        'flashcrowd_playback_startup_seconds_bucket{le="2.0"} 1.0',
        'flashcrowd_playback_switches_total{direction="up"} 0.0',
        'flashcrowd_events_total{outcome="accepted"} 0.0',
        'flashcrowd_event_probes_total{kind="click",outcome="fresh"} 0.0',
        'flashcrowd_event_probes_total{kind="click",outcome="late"} 1.0',
        'flashcrowd_event_freshness_seconds_bucket{le="5.0"} 1.0',
    ):
        assert line in text.splitlines()
