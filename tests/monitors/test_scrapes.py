from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitors.counting.scrapes import GAP, Bins, Window, least_gap

WINDOW: Window = (10_000.0, 13_600.0)


def bins_of(samples: Sequence[float], step: float, window: Window = WINDOW, lookback: float = 300.0) -> Bins:
    """What Prometheus would say of samples at these times."""
    start, end = window
    counts: dict[int, float] = defaultdict(float)
    newest = {}
    for at in samples:
        if start < at <= end:
            counts[math.ceil((at - start) / step)] += 1
    for number in range(round((end - start) / step) + 1):
        before = [at for at in samples if start + number * step - lookback < at <= start + number * step]
        if before:
            newest[number] = max(before)
    return Bins(window, step, dict(counts), newest)


def every(interval: float, phase: float = 3.0, without: Sequence[Window] = ()) -> list[float]:
    count = int((WINDOW[1] - WINDOW[0]) / interval) + 40
    times = [WINDOW[0] + phase + interval * number for number in range(-20, count)]
    return [at for at in times if at <= WINDOW[1] + interval and not any(low < at < high for low, high in without)]


def by_counts(bins: Bins) -> Bins:
    """What is known of it before times are asked for."""
    return Bins(bins.window, bins.step, bins.counts, {})


def found(bins: Bins) -> list[Window]:
    assert bins.interval is not None
    return bins.gaps(least_gap(bins.interval, WINDOW[1] - WINDOW[0]))


@pytest.mark.parametrize("interval", [5, 10, 15, 30, 60, 120])
@pytest.mark.parametrize("step", [30.0, 60.0])
def test_the_interval_between_scrapes_is_told_by_the_samples(interval: float, step: float) -> None:
    assert bins_of(every(interval), step).interval == pytest.approx(interval, rel=0.01)
    assert by_counts(bins_of(every(interval), step)).rough == pytest.approx(interval, abs=step if interval > 20 else 1)


def test_a_server_that_has_just_begun_tells_an_interval() -> None:
    assert Bins(WINDOW, 30.0, {1: 2.0, 2: 30.0}, {}).rough == pytest.approx(30 / 16)


@pytest.mark.parametrize("interval", [5, 15, 60, 120, 200])
def test_steady_scrapes_need_no_second_look(interval: float) -> None:
    assert by_counts(bins_of(every(interval), 60)).steady


@pytest.mark.parametrize("interval", [5, 15, 60, 200])
def test_steady_scrapes_have_no_gap(interval: float) -> None:
    bins = bins_of(every(interval), 60)
    assert found(bins) == bins.doubtful() == []


@settings(deadline=None, max_examples=100)
@given(st.floats(0, 3500), st.floats(0, 2000), st.sampled_from([5.0, 15.0, 30.0, 60.0, 90.0, 200.0]), st.floats(0, 60))
def test_what_is_steady_by_its_counts_has_no_gap(start: float, length: float, interval: float, phase: float) -> None:
    samples = every(interval, phase, [(WINDOW[0] + start, WINDOW[0] + start + length)])
    bins = bins_of(samples, 60)
    if by_counts(bins).steady:
        assert found(bins) == bins.doubtful() == []


@settings(deadline=None, max_examples=60)
@given(st.floats(100, 3000), st.floats(150, 2000), st.sampled_from([5.0, 15.0, 30.0, 60.0, 90.0]), st.floats(0, 5))
def test_a_long_gap_is_found_to_a_scrape(start: float, length: float, interval: float, phase: float) -> None:
    """Its edges are those of the samples beside it. A gap of fewer than two whole bins wants a closer look instead."""
    hole = WINDOW[0] + start, min(WINDOW[0] + start + length, WINDOW[1])
    samples = every(interval, phase, [hole])
    bins = bins_of(samples, 60)
    before = max(at for at in [WINDOW[0], *samples] if at <= hole[0])
    after = min([at for at in samples if at >= hole[1]] + [WINDOW[1]])
    after = min(after, WINDOW[1])
    if after - before <= GAP * interval + interval:
        return
    gaps = found(bins)
    if not gaps:
        assert any(low <= before + 60 and after - 60 <= high for low, high in bins.doubtful())
        return
    assert gaps[-1] == pytest.approx((before, after), abs=interval * 1.01 if bins.fine else interval + 1)


def test_three_failed_scrapes_in_a_row_are_no_gap_and_four_are() -> None:
    for missed, gaps in ((3, 0), (4, 1)):
        hole = WINDOW[0] + 1203.0, WINDOW[0] + 1203.0 + 15 * (missed + 1)
        assert len(found(bins_of(every(15, 3.0, [hole]), 15))) == gaps


def test_a_short_gap_in_coarse_bins_is_looked_at_again() -> None:
    hole = WINDOW[0] + 1203.0, WINDOW[0] + 1323.0
    coarse = bins_of(every(5, 3.0, [hole]), 300)
    assert found(coarse) == []
    ((start, end),) = coarse.doubtful()
    assert start <= hole[0] and hole[1] <= end
    fine = bins_of(every(5, 3.0, [hole]), 5, (start, end))
    assert fine.gaps(20) == [hole]


def test_scrapes_of_which_every_other_fails_are_no_gap() -> None:
    bins = bins_of(every(30), 60)
    assert found(bins) == []
    flaky = bins_of([at for number, at in enumerate(every(15)) if number % 2 or at < 11_800], 60)
    assert found(flaky) == []


def test_a_window_of_one_sample_tells_no_interval() -> None:
    assert bins_of([WINDOW[0] + 50], 60).interval is None
    assert bins_of([], 60).interval is None
