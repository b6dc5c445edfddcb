from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamedays.screen.bars import BARS, WITHIN, held_line, sparkline, way


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e9), max_size=80), st.integers(0, 60))
def test_a_sparkline_has_a_bar_for_each_of_the_last_values(values, width):
    line = sparkline(values, width)
    last = values[-width:] if width else []
    assert len(line) == len(last)
    assert set(line) <= set(BARS)
    if any(last):
        assert line[last.index(max(last))] == BARS[-1]
    for one, other in zip(sorted(last), sorted(last)[1:], strict=False):
        assert line[last.index(one)] <= line[last.index(other)]


@settings(deadline=None)
@given(st.floats(0.01, 99.99), st.floats(0, 1))
def test_an_objective_s_bar_says_whether_it_is_held(objective, good):
    budget = 1 - objective / 100
    (bar,) = held_line([good], budget, 1)
    if abs((1 - good) - budget) > 1e-9:
        assert (bar >= WITHIN) == (1 - good < budget)
    assert (bar == BARS[-1]) == (round((1 - good) / budget, 9) == 0)


def test_an_objective_that_is_just_held_or_has_no_events():
    assert held_line([None, 1.0, 0.995, 0.99, 0.989, 0.0], 1 - 99 / 100, 6) == "·▇▆▆▅▁"
    assert held_line([1.0, None], 0.01, 0) == ""


@pytest.mark.parametrize(
    ("elapsed", "line"), [(0, "──░░░┼────"), (50, "━━▓▓▓┼────"), (60, "━━▓▓▓┿────"), (500, "━━▓▓▓┿━━━━")]
)
def test_the_way_shows_faults_and_openings_where_they_are(elapsed, line):
    assert way(elapsed, 100, [(20, 50)], [55], 10) == line
