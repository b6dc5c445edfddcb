from __future__ import annotations

import math
import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from gamedays.comparison import holm, quantiles, shares, spread
from gamedays.comparison.quantiles import Sample

CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
BLOCKS = st.lists(
    st.integers(0, 200).flatmap(lambda n: st.integers(0, n).map(lambda bad: (float(bad), float(n)))), min_size=1
)
TIMES = st.lists(st.floats(1e-4, 10.0), min_size=1, max_size=60)


def sample(times: list[float], size: int = 10) -> Sample:
    return Sample(tuple(dict(Counter(times[n : n + size])) for n in range(0, len(times), size)))


@given(CHANCES)
def test_holm_rejects_at_least_what_bonferroni_does_and_at_most_what_no_correction_does(chances):
    for chance, limit in zip(chances, holm.limits(chances, 0.025), strict=True):
        assert 0.025 / len(chances) <= limit <= 0.025
        assert chance >= 0.025 / len(chances) or chance < limit


def test_holm_goes_on_until_the_first_that_does_not_count():
    limits = holm.limits([0.02, 0.001, 0.012, 0.9], 0.025)
    assert [chance < limit for chance, limit in zip([0.02, 0.001, 0.012, 0.9], limits, strict=True)] == [
        False,
        True,
        False,
        False,
    ]
    assert limits[1] == 0.025 / 4


@given(CHANCES, st.randoms())
def test_the_order_of_the_rows_does_not_matter_to_holm(chances, dice):
    shuffled = list(range(len(chances)))
    dice.shuffle(shuffled)
    straight, mixed = holm.limits(chances, 0.025), holm.limits([chances[n] for n in shuffled], 0.025)
    assert {(chances[n], chances[n] < straight[n]) for n in shuffled} == {
        (chances[n], chances[n] < limit) for n, limit in zip(shuffled, mixed, strict=True)
    }


def test_students_table_is_right():
    """The density, integrated from 0 to the table's value, is 47.5 %."""
    for freedom in (1, 2, 5, 13, 30):
        scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
        steps = 4000
        width = spread._T[freedom - 1] / steps
        inside = sum(scale * (1 + ((n + 0.5) * width) ** 2 / freedom) ** (-(freedom + 1) / 2) for n in range(steps))
        assert abs(inside * width - 0.475) < 1e-4


def test_a_further_run_lies_within_the_reach_of_the_others_nineteen_times_of_twenty():
    dice = random.Random(7)
    outside = 0
    for _ in range(2000):
        *runs, now = (dice.gauss(10, 2) for _ in range(5))
        outside += abs(now - sum(runs) / 4) > spread.reach(runs)
    assert 0.03 < outside / 2000 < 0.07


def test_two_runs_make_no_spread():
    assert spread.reach([1.0, 9.0]) == 0.0
    assert spread.beyond([1.0, 9.0], 10.0, 1)


@given(BLOCKS)
def test_events_in_heaps_are_worth_less_and_never_more(blocks):
    bad, total = shares.total(blocks)
    worth, of = shares.effective(blocks)
    assert of <= total
    assert math.isclose(worth * total, bad * of, abs_tol=1e-6)


def test_the_design_effect_is_the_size_of_the_heaps():
    """Blocks that are wholly bad or wholly good tell as much as one event each."""
    dice = random.Random(3)
    blocks = [(20.0, 20.0) if dice.random() < 0.3 else (0.0, 20.0) for _ in range(400)]
    assert 19 < shares.design_effect(blocks) < 21
    apart = [(float(sum(dice.random() < 0.3 for _ in range(20))), 20.0) for _ in range(400)]
    assert shares.design_effect(apart) < 1.3


@settings(max_examples=50)
@given(BLOCKS, BLOCKS)
def test_not_both_sides_can_be_worse(now, before):
    assert max(shares.chance_of_more(now, before), shares.chance_of_more(before, now)) > 0.4


@settings(max_examples=50)
@given(TIMES, st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_the_nearest_rank_however_its_blocks_are_merged(times, ratio):
    expected = sorted(times)[max(0, math.ceil(round(ratio * len(times), 9)) - 1)]
    assert sample(times).quantile(ratio) == expected == sample(times, 3).quantile(ratio)


@settings(max_examples=50)
@given(TIMES, TIMES, st.sampled_from([0.5, 0.95]), st.floats(1, 3), st.floats(0, 1))
def test_more_tolerance_never_makes_it_worse(now, before, ratio, factor, more):
    plain = quantiles.chance_of_longer(sample(now, 99), sample(before, 99), ratio)
    granted = quantiles.chance_of_longer(sample(now, 99), sample(before, 99), ratio, factor, more)
    assert granted >= plain - 1e-9 or plain > 0.2  # the quantile of both moves too; where it matters it's monotone


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_runs_alike_are_seldom_told_apart_and_slower_ones_always(seed):
    dice = random.Random(seed)

    def run(scale: float) -> Sample:
        return sample([round(dice.lognormvariate(-3, 0.5) * scale, 4) for _ in range(1000)], 100)

    assert quantiles.chance_of_longer(run(1.6), run(1.0), 0.5, 1.1) < 1e-4
    assert quantiles.chance_of_longer(run(1.0), run(1.0), 0.95, 1.1) > 1e-4


def test_the_test_of_quantiles_cries_wolf_as_seldom_as_it_says():
    dice = random.Random(11)
    alarms = 0
    for _ in range(300):
        one, other = (sample([round(dice.lognormvariate(-3, 0.5), 3) for _ in range(400)], 50) for _ in range(2))
        alarms += quantiles.chance_of_longer(one, other, 0.9) < 0.025
    assert alarms / 300 < 0.045


def test_durations_that_came_in_heaps_tell_less():
    """One second of a stall in one run is no slower platform, though it made a tenth of the orders slow."""
    calm = [{0.01: 100} for _ in range(10)]
    stalled, slow = [*calm[1:], {2.0: 100}], [{0.01: 90, 2.0: 10} for _ in range(10)]
    once = quantiles.chance_of_longer(Sample(tuple(stalled)), Sample(tuple(calm)), 0.95)
    always = quantiles.chance_of_longer(Sample(tuple(slow)), Sample(tuple(calm)), 0.95)
    assert always < 1e-9 < 0.1 < once
