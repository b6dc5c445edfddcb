from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from loadtests.shapes import Shape, ramp

seconds = st.floats(0, 10_000, allow_nan=False)


@settings(deadline=None)
@given(seconds, seconds, st.integers(1, 300_000), seconds, st.floats(0.1, 10_000))
def test_a_ramp_never_falls_before_its_end_and_stays_within_the_peak(first, second, peak, over, duration):
    early, late = (ramp(at, peak, over, duration) for at in sorted((first, second)))
    if late is None:
        assert max(first, second) >= duration
    else:
        assert early is not None
        assert 0 <= early <= late <= peak


@settings(deadline=None)
@given(st.integers(1, 300_000), st.floats(0.1, 100), st.floats(0.1, 100))
def test_a_ramp_holds_the_peak_until_its_end(peak, over, hold):
    assert ramp(over, peak, over, over + hold) == peak
    assert ramp(over + hold, peak, over, over + hold) is None


def test_a_ramp_over_no_time_is_a_jump():
    assert Shape.model_validate({"over": "0s", "duration": "1m"}).at(0.0, 500) == 500


def test_a_shape_survives_its_own_json():
    shape = Shape.model_validate({"over": "20s", "duration": "2m"})
    assert Shape.model_validate_json(shape.model_dump_json()) == shape


def test_a_shape_without_duration_is_none():
    with pytest.raises(ValidationError):
        Shape.model_validate({"over": "20s", "duration": "0"})
