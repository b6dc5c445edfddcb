from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from flashcrowd.errors import DocumentError
from loadtests.shapes import Shape, read_trace
from loadtests.shapes.curves import CHURN, QUIET, doorbuster, ramp, soak, spike, steps, trace

seconds = st.floats(0, 10_000, allow_nan=False)
peaks = st.integers(1, 300_000)
spans = st.floats(0.1, 1000)


@st.composite
def traces(draw):
    gaps = draw(st.lists(st.floats(0.01, 500), min_size=1, max_size=12))
    times = [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    counts = draw(st.lists(st.integers(0, 5000), min_size=len(times), max_size=len(times)).filter(any))
    return tuple(zip(times, map(float, counts), strict=True))


def curves(over: float, hold: float, stay: float, count: int, points):
    """Every shape as a function of time and peak, with its duration."""
    duration = over + hold
    return [
        (lambda at, peak: ramp(at, peak, over, duration), duration),
        (lambda at, peak: steps(at, peak, over, duration, count), duration),
        (lambda at, peak: spike(at, peak, min(over, duration / 3), duration), duration),
        (lambda at, peak: doorbuster(at, peak, over, duration), duration),
        (lambda at, peak: soak(at, peak, over, duration, stay), duration),
        (lambda at, peak: trace(at, peak, points), points[-1][0]),
    ]


@settings(deadline=None)
@given(
    peaks, spans, spans, st.floats(CHURN, 5000), st.integers(1, 40), traces(), st.lists(st.floats(0, 1), max_size=20)
)
def test_every_shape_stays_between_nobody_and_the_peak_and_ends_exactly_at_its_duration(
    peak, over, hold, stay, count, points, parts
):
    for shape, duration in curves(over, hold, stay, count, points):
        for part in parts:
            at = part * duration
            viewers = shape(at, peak)
            assert (viewers is None) == (at >= duration)
            assert viewers is None or 0 <= viewers <= peak
        assert shape(duration, peak) is None
        assert shape(duration * (1 - 1e-9), peak) is not None


@settings(deadline=None)
@given(peaks, spans, spans, st.floats(CHURN, 5000), st.integers(1, 40), traces())
def test_every_shape_reaches_the_peak(peak, over, hold, stay, count, points):
    (_, top) = max((viewers, -at) for at, viewers in points[:-1] or points)
    highest = [over, over, (over + hold) * 2 / 3, over, over, -top]
    for (shape, _), at in zip(curves(over, hold, stay, count, points), highest, strict=True):
        if at == -top and max(viewers for _, viewers in points) == points[-1][1]:
            continue  # its highest point is the end itself
        assert shape(at, peak) == peak


@settings(deadline=None)
@given(seconds, seconds, peaks, spans, spans, st.integers(1, 40))
def test_what_only_rises_never_falls(first, second, peak, over, hold, count):
    for shape, duration in curves(over, hold, CHURN, count, ((0.0, 1.0), (1.0, 1.0)))[:4]:
        if shape(over, peak) != peak or duration < max(first, second):
            continue
        early, late = (shape(min(at, duration / 2), peak) for at in sorted((first, second)))
        assert early is not None
        assert late is not None
        assert early <= late


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(1, 10_000), spans, spans)
def test_a_staircase_has_as_many_levels_as_it_was_given_all_equally_long(count, more, over, hold):
    peak = count + more
    levels = [steps((number + 0.5) * over / count, peak, over, over + hold, count) for number in range(count)]
    assert len(set(levels)) == count
    assert levels == sorted(levels)
    assert {steps(at * over / 500, peak, over, over + hold, count) for at in range(501)} == set(levels)


@settings(deadline=None)
@given(st.integers(10, 300_000), st.floats(3, 1000), st.floats(0, 1))
def test_a_spike_goes_back_to_the_crowd_that_was_there_before(peak, duration, part):
    over = part * duration / 3
    before, after = duration / 3 * 0.999, duration * 0.9999
    assert spike(after, peak, over, duration) <= peak
    assert spike(min(before, duration / 3), peak, 0.0, duration) == spike(after, peak, 0.0, duration)
    assert spike(after, peak, 0.0, duration) == max(1, int(QUIET * peak))


@settings(deadline=None)
@given(st.integers(100, 300_000), st.floats(60, 3600), st.integers(1, 50))
def test_a_soak_stays_level_while_as_many_leave_and_join_as_its_stay_says(peak, stay, periods):
    over, duration = 10.0, 10.0 + CHURN * periods
    levels = [soak(over + at / 10, peak, over, duration, stay) for at in range(int(CHURN * 10) * periods)]
    lowest = peak * (1 - CHURN / stay)
    assert lowest <= min(levels) <= lowest + 1
    assert max(levels) == levels[0] == peak
    left = sum(max(0, before - after) for before, after in itertools.pairwise(levels))
    assert left == pytest.approx(periods * peak * CHURN / stay, abs=periods)


@settings(deadline=None)
@given(traces(), st.integers(1, 10_000))
def test_a_trace_goes_through_its_points_and_never_beyond_their_neighbours(points, peak):
    highest = max(viewers for _, viewers in points)
    for (start, low), (end, high) in itertools.pairwise(points):
        assert trace(start, peak, points) == pytest.approx(peak * low / highest, abs=1)
        between = trace((start + end) / 2, peak, points)
        assert min(low, high) * peak / highest - 1 <= between <= max(low, high) * peak / highest + 1


def test_a_ramp_over_no_time_is_a_jump():
    assert Shape.model_validate({"over": "0s", "duration": "1m"}).at(0.0, 500) == 500


@pytest.mark.parametrize("name", ["ramp", "steps", "spike", "doorbuster", "soak", "trace"])
def test_a_shape_survives_its_own_json(name):
    points = ((0.0, 1.0), (120.0, 5.0)) if name == "trace" else ()
    shape = Shape.model_validate({"name": name, "over": "20s", "duration": "2m", "points": points})
    assert Shape.model_validate_json(shape.model_dump_json()) == shape
    assert shape.at(119.9, 100) is not None
    assert shape.at(120.0, 100) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"over": "20s", "duration": "0"}, "greater than 0"),
        ({"name": "spike", "over": "31s", "duration": "90s"}, "a third of the duration at most"),
        ({"name": "trace", "over": "0", "duration": "90s"}, "give trace"),
        ({"over": "0", "duration": "90s", "points": [(0, 1), (1, 1)]}, "give trace"),
        ({"name": "soak", "over": "0", "duration": "90s", "stay": "9s"}, "greater than or equal to 10"),
    ],
)
def test_a_shape_that_can_not_be_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Shape.model_validate(wrong)


def test_a_trace_is_read_from_its_file(tmp_path):
    file = tmp_path / "friday.csv"
    file.write_text("seconds, viewers\n0,10\n\n60,2000.5\n90, 0\n")
    assert read_trace(file) == ((0.0, 10.0), (60.0, 2000.5), (90.0, 0.0))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            "seconds,viewers\n0,ten\n1,-5,\nnan,5\n",
            ["2: viewers: 'ten' is not", "3: has 3 values", "4: seconds: 'nan'"],
        ),
        ("seconds,viewers\n5,1\n5,1\n4,0\n", ["3: seconds: 5 is not after 5", "4: seconds: 4 is not"]),
        ("seconds,viewers\n0,1\n9,x\n8,1\n7,1\n", ["3: viewers: 'x'", "5: seconds: 7 is not after 8"]),
        ("seconds,viewers\n5,1\n6,1\n", ["2: seconds: begins at 5"]),
        ("0,1\n5,2\n", ["1: wants the header seconds,viewers"]),
        ("seconds,viewers\n0,5\n", ["has 1 rows; a trace has a beginning and an end"]),
        ("seconds,viewers\n0,0\n9,0.5\n", ["viewers: nobody ever comes"]),
        ("", ["wants the header seconds,viewers"]),
    ],
)
def test_all_that_is_wrong_in_a_trace_is_told_with_its_lines(tmp_path, text, wrong):
    file = tmp_path / "friday.csv"
    file.write_text(text)
    with pytest.raises(DocumentError) as refused:
        read_trace(file)
    found = [str(problem).removeprefix(str(file)).removeprefix(":").strip() for problem in refused.value.problems]
    assert len(found) == len(wrong)
    for message, start in zip(found, wrong, strict=True):
        assert message.startswith(start)


def test_a_trace_that_is_not_there_is_wrong_input(tmp_path):
    with pytest.raises(DocumentError, match="can't be read"):
        read_trace(tmp_path / "nope.csv")
