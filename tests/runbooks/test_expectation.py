import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbooks.expectation import Comparison

OPERATORS = st.sampled_from([">", ">=", "<", "<=", "==", "!="])
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(OPERATORS, NUMBERS)
@settings(deadline=None)
def test_what_it_writes_it_reads_back(operator: str, bound: float) -> None:
    comparison = Comparison(operator, bound)
    assert Comparison.parse(str(comparison)) == comparison


@given(OPERATORS, NUMBERS, NUMBERS)
@settings(deadline=None)
def test_it_says_what_python_says(operator: str, value: float, bound: float) -> None:
    assert Comparison(operator, bound).holds(value) is eval(f"{value!r} {operator} {bound!r}")


@given(OPERATORS, NUMBERS)
@settings(deadline=None)
def test_no_data_and_nan_are_never_as_expected(operator: str, bound: float) -> None:
    comparison = Comparison(operator, bound)
    assert not comparison.holds_for_all([])
    assert not comparison.holds_for_all([math.nan])


def test_one_series_out_of_line_is_enough() -> None:
    assert Comparison.parse("> 0.3").holds_for_all([0.4, 0.5])
    assert not Comparison.parse("> 0.3").holds_for_all([0.4, 0.2])


@given(st.text(max_size=20))
@settings(deadline=None)
def test_any_other_text_is_refused_with_an_example(text: str) -> None:
    try:
        Comparison.parse(text)
    except ValueError as error:
        assert "write '> 0.3'" in str(error)


@pytest.mark.parametrize("text", ["", "0.3", "> fast", "=> 1", "> 1e999", "> nan", None, 3])
def test_unknown_expectations_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="is not an expectation"):
        Comparison.parse(text)
