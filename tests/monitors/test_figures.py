from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.figures import about, bad_percent, count, exact_percent, held_percent


@pytest.mark.parametrize(
    ("bad", "budget", "shown", "held"),
    [
        (0.0, 0.01, "0 %", "100 %"),
        (0.029, 0.01, "2.9 %", "97.1 %"),
        (0.1384, 0.01, "13.8 %", "86.2 %"),
        (0.000301, 0.001, "0.03 %", "99.97 %"),
        (0.0000012, 0.01, "0.00012 %", "99.99988 %"),
        (1.0, 0.01, "100 %", "0 %"),
    ],
)
def test_shares_are_shown_to_two_digits(bad: float, budget: float, shown: str, held: str) -> None:
    assert bad_percent(bad, budget) == shown
    assert held_percent(bad, budget) == held


def test_rounding_never_makes_an_overspent_budget_look_kept() -> None:
    assert bad_percent(0.01003, 0.01) == "1.003 %"
    assert held_percent(0.01003, 0.01) == "98.997 %"


@given(st.floats(1e-6, 1))
def test_nothing_bad_is_ever_shown_as_100_percent(bad: float) -> None:
    assert held_percent(bad, 0.01) != "100 %"


def test_numbers_of_events_are_grouped_and_estimates_rounded_up() -> None:
    assert count(1_204_311.2) == "1,204,311"
    assert [about(number) for number in (0, 7, 69, 2372, 9507)] == ["0", "7", "69", "2,400", "9,600"]
    assert exact_percent(0.9995) == "99.95 %"
