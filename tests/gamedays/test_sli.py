from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamedays.judging.sli import COVERAGE, HOLD, Sli, align, outside

LENGTH = 24
rates = st.one_of(st.none(), st.floats(0, 1000))


@st.composite
def slis(draw: st.DrawFn) -> Sli:
    """Some seconds from time 0; each bad rate is at most the rate of all, and where one is missing both are."""
    totals = draw(st.lists(rates, min_size=LENGTH, max_size=LENGTH))
    shares = draw(st.lists(st.floats(0, 1), min_size=LENGTH, max_size=LENGTH))
    rows = zip(totals, shares, strict=True)
    return Sli(
        "x",
        1.0,
        tuple((float(at), None if total is None else share * total, total) for at, (total, share) in enumerate(rows)),
    )


times = st.integers(-5000, 1000 * (LENGTH + 5)).map(lambda milliseconds: milliseconds / 1000)
budgets = st.floats(0, 1)


@settings(deadline=None, max_examples=50)
@given(slis(), st.lists(times, min_size=2, max_size=6))
def test_what_is_counted_does_not_depend_on_how_the_time_is_cut(sli, cuts):
    cuts = sorted(cuts)
    whole, parts = sli.tally([(cuts[0], cuts[-1])]), sli.tally(pairwise(cuts))
    assert parts.bad == pytest.approx(whole.bad)
    assert parts.total == pytest.approx(whole.total)
    assert parts.seconds == pytest.approx(whole.seconds)
    assert parts.covered == pytest.approx(whole.covered)


@settings(deadline=None, max_examples=50)
@given(slis(), times, times)
def test_a_tally_is_never_more_than_there_was(sli, start, end):
    tally = sli.tally([(start, end)])
    assert 0 <= tally.bad <= tally.total * (1 + 1e-9)
    assert 0 <= tally.covered <= 1
    assert tally.seconds == max(0.0, end - start)
    assert not tally.known or tally.covered >= COVERAGE


@settings(deadline=None, max_examples=50)
@given(slis(), budgets, times, times)
def test_recovery_lies_where_it_was_looked_for_and_has_events_within_the_budget(sli, budget, since, until):
    at = sli.recovered(budget, since, until)
    if at is None:
        return
    assert since <= at <= until - HOLD
    tally = sli.tally([(at, at + HOLD)])
    assert tally.known
    assert tally.total > 0
    assert tally.bad <= budget * tally.total


@settings(deadline=None, max_examples=50)
@given(slis(), budgets, budgets, times)
def test_a_larger_budget_is_never_recovered_later(sli, one, other, since):
    small, large = sorted((one, other))
    strict, lenient = (sli.recovered(budget, since, LENGTH) for budget in (small, large))
    assert strict is None or (lenient is not None and lenient <= strict)


@settings(deadline=None, max_examples=50)
@given(slis(), budgets, times, times, times)
def test_looking_for_longer_never_changes_a_recovery_that_was_found(sli, budget, since, one, other):
    sooner, later = sorted((one, other))
    found = sli.recovered(budget, since, sooner)
    assert found is None or sli.recovered(budget, since, later) == found


@settings(deadline=None, max_examples=50)
@given(st.lists(st.one_of(st.none(), st.just(0.0)), min_size=LENGTH, max_size=LENGTH), budgets)
def test_without_events_nothing_recovers(totals, budget):
    sli = Sli("x", 1.0, tuple((float(at), total, total) for at, total in enumerate(totals)))
    assert sli.recovered(budget, 0, LENGTH) is None
    assert all(ratio is None for _, ratio in sli.ratios())


def test_seconds_whose_bad_events_are_no_number_are_not_taken_for_good_ones():
    rows = [(at, math.nan if at >= 12 else 0.0) for at in range(LENGTH)]
    sli = align("x", 1.0, 0, LENGTH - 1, rows, [(at, 100.0) for at in range(LENGTH)])
    assert sli.tally([(0, LENGTH)]).covered == 0.5
    assert not sli.tally([(0, LENGTH)]).known


def test_a_recovery_does_not_begin_with_a_bad_second():
    rows = [(float(at), 1.0 if at < 10 else 0.0, 100.0) for at in range(LENGTH)]
    assert Sli("x", 1.0, tuple(rows)).recovered(0.005, 0, LENGTH) == 10.0


@settings(deadline=None, max_examples=50)
@given(slis())
def test_an_sli_survives_its_file(sli):
    assert Sli.from_dict(sli.as_dict()) == sli


spans = st.tuples(times, st.integers(0, 20_000)).map(lambda row: (row[0], row[0] + row[1] / 1000))


@settings(deadline=None, max_examples=50)
@given(st.lists(spans, max_size=5), times, times)
def test_the_time_outside_of_faults_touches_none_and_leaves_nothing_out(faults, one, other):
    start, end = sorted((one, other))
    free = outside(faults, start, end)
    assert all(start <= begin < finish <= end for begin, finish in free)
    assert all(before[1] <= after[0] for before, after in pairwise(free))
    for injected, healed in faults:
        assert all(finish <= injected or begin >= healed + HOLD for begin, finish in free)
    for step in range(50):
        at = start + (end - start) * (step + 0.5) / 50
        covered = any(begin <= at < finish for begin, finish in free)
        assert covered != any(injected <= at < healed + HOLD for injected, healed in faults) or start == end


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(allow_nan=True)), max_size=50, unique_by=lambda row: row[0]),
    st.integers(0, 20),
    st.integers(20, 50),
)
def test_a_hole_in_a_series_is_no_data_and_no_zero(points, start, end):
    series = [(float(at), value) for at, value in points]
    sli = align("x", 1.0, start, end, series, series)
    assert [at for at, _, _ in sli.rows] == [float(at) for at in range(start, end + 1)]
    known = {at: value for at, value in series if math.isfinite(value)}
    assert {at: total for at, _, total in sli.rows if total is not None} == {
        at: value for at, value in known.items() if start <= at <= end
    }
