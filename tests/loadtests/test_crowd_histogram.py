from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.crowd.histogram import LatencyHistogram, round_off
from loadtests.crowd.timers import Deadlines, Timers

durations = st.lists(st.floats(1e-7, 1e5), min_size=1, max_size=200)


def of(seen: list[float]) -> LatencyHistogram:
    made = LatencyHistogram()
    for seconds in seen:
        made.record(seconds)
    return made


@settings(deadline=None)
@given(durations, st.floats(0.001, 1.0))
def test_every_quantile_is_within_one_percent(seen, ratio):
    exact = sorted(seen)[math.ceil(ratio * len(seen) - 1e-9) - 1]
    assert of(seen).quantile(ratio) == pytest.approx(exact, rel=0.01)


@settings(deadline=None)
@given(st.lists(durations, min_size=1, max_size=4))
def test_histograms_of_workers_are_as_one_that_saw_everything(workers):
    merged = LatencyHistogram()
    for seen in workers:
        merged.merge(LatencyHistogram.from_list(json.loads(json.dumps(of(seen).as_list()))))
    alone = of([seconds for seen in workers for seconds in seen])
    assert list(merged.buckets()) == list(alone.buckets())
    assert (merged.count, merged.lowest, merged.highest) == (alone.count, alone.lowest, alone.highest)
    assert merged.mean == pytest.approx(alone.mean)


def test_an_empty_histogram_and_a_clock_set_back_count_as_zero():
    assert LatencyHistogram().quantile(0.5) == LatencyHistogram().mean == 0.0
    assert LatencyHistogram.from_list(LatencyHistogram().as_list()).count == 0
    assert of([-1.0]).quantile(1.0) == 0.0


@given(st.floats(1e-6, 1e9))
def test_a_rounded_figure_is_within_one_percent_and_stays(value):
    assert round_off(value) == pytest.approx(value, rel=0.01)
    assert round_off(round_off(value)) == round_off(value)
    assert round_off(0.0) == round_off(-1.0) == 0.0


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=50), st.floats(0, 100))
def test_what_is_due_is_called_in_order_unless_it_was_cancelled(wishes, now):
    timers, called = Timers(), list[int]()
    for number, (due, cancelled) in enumerate(wishes):
        timer = timers.add(due, lambda number=number: called.append(number))
        if cancelled:
            timers.cancel(timer)
            timers.cancel(timer)
    for call in timers.take_due(now):
        call()
    kept = [(due, number) for number, (due, cancelled) in enumerate(wishes) if not cancelled]
    assert called == [number for due, number in sorted(kept) if due <= now]
    assert timers.next_due() == min((due for due, _ in kept if due > now), default=None)
    assert len(timers) == sum(due > now for due, _ in kept)


def test_a_heap_of_cancelled_timers_shrinks():
    timers = Timers()
    for timer in [timers.add(float(number), int) for number in range(10_000)][100:]:
        timers.cancel(timer)
    assert len(timers) == 100
    assert len(timers._heap) < 2_500


def test_what_takes_too_long_expires_once_and_what_ended_does_not():
    now, timers, late = [0.0], Timers(), list[str]()

    class Request:
        def __init__(self, name: str) -> None:
            self.name = name

        def expired(self) -> None:
            late.append(self.name)

    def pass_by(seconds: float) -> None:
        until = now[0] + seconds
        while (due := timers.next_due()) is not None and due <= until:
            now[0] = due
            for call in timers.take_due(due):
                call()
        now[0] = until

    deadlines = Deadlines(5.0, timers.add, lambda: now[0])
    slow, quick = Request("slow"), Request("quick")
    deadlines.add(slow)
    deadlines.add(quick)
    pass_by(1.0)
    deadlines.discard(quick)
    deadlines.add(Request("later"))
    pass_by(4.1)
    assert late == ["slow"]
    pass_by(10.0)
    assert late == ["slow", "later"]
    assert timers.next_due() is None
