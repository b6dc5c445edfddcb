"""Worse than before, and for long enough, or not."""

from __future__ import annotations

import pytest

from runbooks.expectation import Comparison
from runbooks.worse import Before, distance

NAN = float("nan")


@pytest.mark.parametrize(
    ("expect", "values", "far"),
    [
        ("< 0.1", [0.4, 0.2], 0.3),
        ("<= 0.1", [0.05], 0.0),
        ("> 10", [4.0, 8.0], 6.0),
        (">= 10", [12.0], 0.0),
        ("== 3", [1.0, 4.0], 2.0),
        ("!= 3", [3.0], None),
        ("< 0.1", [], None),
        ("< 0.1", [NAN], None),
        ("< 0.1", [NAN, 0.3], 0.2),
    ],
)
def test_how_far_a_value_is_on_the_wrong_side(expect, values, far) -> None:
    found = distance(Comparison.parse(expect), values)
    assert found == (None if far is None else pytest.approx(far))


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ([0.4], [0.9], True),
        ([0.4], [0.45], False),  # noise
        ([0.4], [0.4], False),
        ([0.4], [0.2], False),  # better, though not yet good
        ([0.05], [0.2], True),  # it was well
        ([], [0.9], False),
        ([0.4], [], False),
        ([0.4], [NAN], False),
    ],
)
def test_what_is_worse_for_long_enough(before, after, worse) -> None:
    one = Before(Comparison.parse("< 0.1"), tuple(before), 3.0)
    assert not one.is_worse(after, 100.0), "a moment proves nothing"
    assert one.is_worse(after, 103.0) == worse


def test_a_better_moment_in_between_begins_the_time_anew() -> None:
    one = Before(Comparison.parse("< 0.1"), (0.4,), 3.0)
    looks = [(0.9, 0.0), (0.3, 2.0), (0.9, 4.0), (0.9, 6.0), (0.9, 7.0)]
    assert [one.is_worse([value], at) for value, at in looks] == [False, False, False, False, True]
