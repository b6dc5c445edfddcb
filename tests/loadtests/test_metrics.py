from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from loadtests.generator import CPU_SECONDS, GeneratorWatch
from loadtests.histogram import REQUEST_EDGES, Histogram
from loadtests.metrics import Exporter, Reports, Tally

durations = st.floats(0, 30)
requests = st.lists(st.tuples(st.sampled_from(["order", "browse"]), durations | st.none(), st.booleans()), max_size=30)


def exposition(tally: Tally) -> str:
    registry = CollectorRegistry()
    registry.register(Exporter(lambda: tally))
    return generate_latest(registry).decode()


def counted(rows: list[tuple[str, float | None, bool]], orders: int = 0) -> Tally:
    tally = Tally()
    for name, seconds, failed in rows:
        tally.request(name, seconds, failed)
    tally.orders["accepted"] += orders
    tally.viewers["connected"] += orders
    return tally


@settings(deadline=None)
@given(st.lists(requests, min_size=1, max_size=4))
def test_workers_merged_are_as_one_that_saw_everything(workers):
    merged = Tally()
    for rows in workers:
        merged.merge(json.loads(json.dumps(counted(rows).as_dict())))
    alone = counted([row for rows in workers for row in rows])
    assert merged.requests == alone.requests
    assert {name: seen.counts for name, seen in merged.durations.items()} == {
        name: seen.counts for name, seen in alone.durations.items()
    }


@settings(deadline=None)
@given(st.lists(durations))
def test_a_histogram_counts_each_duration_at_the_edges_that_hold_it(seen):
    histogram = Histogram(REQUEST_EDGES)
    for seconds in seen:
        histogram.observe(seconds)
    for edge, count in histogram.buckets():
        assert count == sum(seconds <= float(edge) for seconds in seen)
    assert histogram.quantile(1.0) >= max((s for s in seen if s <= 10), default=0)


def test_a_report_that_comes_twice_changes_nothing():
    reports = Reports()
    for _ in range(2):
        reports.add("a", counted([("order", 0.1, False)], orders=3).as_dict())
    reports.add("b", counted([], orders=4).as_dict())
    assert reports.tally().orders["accepted"] == 7


def test_a_silent_worker_has_no_viewers_but_what_it_counted_stays():
    now = [0.0]
    reports = Reports(clock=lambda: now[0])
    reports.add("a", counted([], orders=3).as_dict())
    now[0] = 11.0
    reports.add("b", counted([], orders=4).as_dict())
    assert reports.tally().orders["accepted"] == 7
    assert reports.tally().viewers["connected"] == 4


def test_every_series_is_there_before_anything_happened():
    text = exposition(Tally())
    for series in (
        'flashcrowd_orders_total{outcome="unknown"} 0.0',
        'flashcrowd_chat_deliveries_total{outcome="lost",rooms="head"} 0.0',
        'flashcrowd_chat_delivery_seconds_bucket{le="1.0"} 0.0',
        "flashcrowd_generator_lag_seconds_count 0.0",
        'flashcrowd_viewers{state="connected"} 0.0',
        "flashcrowd_generator_saturated 0.0",
    ):
        assert series in text


def test_requests_are_exported_by_name_and_outcome():
    text = exposition(counted([("order", 0.5, False), ("order", 0.6, True), ("say", None, False)]))
    assert 'flashcrowd_requests_total{name="order",outcome="ok"} 1.0' in text
    assert 'flashcrowd_requests_total{name="order",outcome="error"} 1.0' in text
    assert 'flashcrowd_request_duration_seconds_bucket{le="0.5",name="order"} 1.0' in text
    assert 'flashcrowd_request_duration_seconds_count{name="say"} 0.0' in text


def test_deliveries_up_to_the_second_are_on_time():
    tally = Tally()
    for seconds in (0.2, 1.0, 1.001):
        tally.rooms["head"].delivered(seconds)
    assert tally.all_rooms().deliveries() == {"on_time": 2, "late": 1, "lost": 0}


def test_a_crowd_of_names_does_not_become_a_crowd_of_series():
    tally = counted([(f"/item/{number}", 0.1, False) for number in range(1000)])
    assert len(tally.durations) <= 201
    assert sum(tally.requests.values()) == 1000


@pytest.mark.parametrize(("late", "saturated"), [(0.01, False), (0.3, True)])
def test_a_generator_that_wakes_late_is_saturated_until_it_recovers(late, saturated):
    watch = GeneratorWatch()
    for _ in range(20):
        watch.woke(late)
    watch.second(cpu=0.1)
    assert watch.saturated is saturated
    for _ in range(10):
        watch.woke(0.0)
        watch.second(cpu=0.1)
    assert not watch.saturated


@pytest.mark.parametrize(
    ("starts", "late", "saturated"), [(150, 8, False), (150, 16, True), (9000, 9000, True), (3, 1, False), (3, 2, True)]
)
def test_starts_that_are_late_saturate_when_they_are_more_than_1_in_100_of_ten_seconds(starts, late, saturated):
    watch = GeneratorWatch()
    for second in range(10):
        watch.starts((second + 1) * starts, late if second >= 5 else 0)
        watch.second(cpu=0.1)
    assert watch.saturated is saturated
    assert bool(watch.why) is saturated
    for second in range(10, 16):
        watch.starts((second + 1) * starts, late)
        watch.second(cpu=0.1)
    assert not watch.saturated


def test_a_generator_that_is_busy_for_a_moment_is_not_saturated_one_that_stays_busy_is():
    watch = GeneratorWatch()
    for _ in range(CPU_SECONDS - 1):
        watch.second(cpu=0.97)
    assert not watch.saturated
    watch.second(cpu=0.97)
    assert (watch.saturated, watch.saturated_seconds) == (True, 1)


def test_the_time_of_viewers_is_counted_by_where_they_spend_it_and_adds_up_over_workers():
    worker = Tally()
    worker.presence.passed(2.0, {"running": 9, "connecting": 9, "connected": 3, "reconnecting": 1})
    worker.presence.drops = 2
    merged = Tally()
    for _ in range(2):
        merged.merge(json.loads(json.dumps(worker.as_dict())), present=False)
    text = exposition(merged)
    for series in (
        'flashcrowd_viewer_seconds_total{state="connected"} 12.0',
        'flashcrowd_viewer_seconds_total{state="reconnecting"} 4.0',
        "flashcrowd_viewer_drops_total 4.0",
    ):
        assert series in text
