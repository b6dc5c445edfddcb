from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.verdict import Outcome
from monitors.counting.measure import Counts
from monitors.judge import Judgement, decide, decisive, judge, judge_ratio, wilson
from monitors.slo import Slo

CONFIDENCES = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
TOTALS = st.integers(1, 10**7)
SHARES = st.floats(0, 1)
PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def slo_of(objective: float, min_events: int = 1, confidence: float = 0.95) -> Slo:
    return Slo.model_validate(
        {
            "service": "shop",
            "name": "orders",
            "objective": objective,
            "sli": {"events": {"error_query": "e[{{.window}}]", "total_query": "t[{{.window}}]"}},
            "alerting": {"name": "OrderBurn"},
            "rehearsal": {"min_events": min_events, "confidence": confidence},
        }
    )


def test_the_interval_is_wilsons() -> None:
    """5 errors in 10,000: 0.021-0.117 % at 95 %; and a value published by Newcombe (1998), 81 of 263."""
    assert wilson(5, 10_000, 0.95) == pytest.approx((0.000214, 0.001170), abs=1e-6)
    assert wilson(81, 263, 0.95) == pytest.approx((0.2553, 0.3662), abs=1e-4)


@given(total=TOTALS, share=SHARES, confidence=CONFIDENCES)
@settings(deadline=None)
def test_the_interval_contains_what_was_measured(total: int, share: float, confidence: float) -> None:
    low, high = wilson(share * total, total, confidence)
    assert 0 <= low <= share * total / total <= high <= 1
    assert low < high


@given(total=TOTALS, share=SHARES, confidence=CONFIDENCES, more=st.integers(2, 100))
@settings(deadline=None)
def test_more_events_narrow_the_interval(total: int, share: float, confidence: float, more: int) -> None:
    few, many = (wilson(share * count, count, confidence) for count in (total, total * more))
    assert many[1] - many[0] < few[1] - few[0]


@given(total=st.integers(1, 10**5), bad=st.floats(0, 1), worse=st.floats(0, 1), confidence=CONFIDENCES)
@settings(deadline=None)
def test_more_bad_events_move_the_interval_up(total: int, bad: float, worse: float, confidence: float) -> None:
    good, poor = sorted((bad, worse))
    before, after = (wilson(share * total, total, confidence) for share in (good, poor))
    assert before[0] <= after[0] + 1e-12
    assert before[1] <= after[1] + 1e-12


@given(total=TOTALS, share=SHARES, surer=st.sampled_from([(0.5, 0.8), (0.9, 0.95), (0.95, 0.99)]))
@settings(deadline=None)
def test_more_confidence_widens_the_interval(total: int, share: float, surer: tuple[float, float]) -> None:
    inner, outer = (wilson(share * total, total, confidence) for confidence in surer)
    assert outer[0] <= inner[0] + 1e-12
    assert inner[1] <= outer[1] + 1e-12


@given(total=TOTALS, share=SHARES, objective=st.sampled_from([90, 95, 99, 99.5, 99.9, 99.99]), confidence=CONFIDENCES)
@settings(deadline=None)
def test_an_outcome_never_contradicts_what_was_measured(
    total: int, share: float, objective: float, confidence: float
) -> None:
    found = judge(slo_of(objective, confidence=confidence), share * total, total)
    if found.outcome is PASS:
        assert share <= slo_of(objective).budget
    if found.outcome is FAIL:
        assert share > slo_of(objective).budget


@given(total=st.integers(1, 10**6), shares=st.tuples(SHARES, SHARES), confidence=CONFIDENCES)
@settings(deadline=None)
def test_worse_never_gets_a_better_outcome(total: int, shares: tuple[float, float], confidence: float) -> None:
    order = [PASS, INCONCLUSIVE, FAIL]
    slo = slo_of(99, confidence=confidence)
    better, worse = (order.index(judge(slo, share * total, total).outcome) for share in sorted(shares))
    assert better <= worse


@given(share=SHARES, confidence=CONFIDENCES)
@settings(deadline=None)
def test_as_many_more_events_as_it_asks_for_decide(share: float, confidence: float) -> None:
    needed = decisive(share, 0.01, confidence)
    if needed is None or needed > 10**9:
        return
    slo = slo_of(99, confidence=confidence)
    enough = needed * (1 + 1e-6) + 1
    assert judge(slo, share * enough, enough).outcome is (PASS if share < 0.01 else FAIL)
    if needed > 2:
        assert judge(slo, share * (needed - 2), needed - 2).outcome is INCONCLUSIVE


@given(bad=st.one_of(st.none(), st.floats()), total=st.sampled_from([None, math.nan, 0, 0.0, -1.0, math.inf]))
@settings(deadline=None)
def test_no_data_never_passes(bad: float | None, total: float | None) -> None:
    found = judge(slo_of(50, confidence=0), bad, total)
    assert found.outcome is INCONCLUSIVE
    assert found.message.startswith("no data")
    assert found.held is None


def test_zero_errors_in_few_events_are_no_proof() -> None:
    found = judge(slo_of(99.9), 0, 3000)
    assert (found.outcome, found.needed, found.message) == (INCONCLUSIVE, 838, "needs about 840 more events")
    assert judge(slo_of(99.9), 0, 3838).outcome is PASS


def test_fewer_than_the_least_number_of_events_are_never_judged() -> None:
    alarming = judge(slo_of(99, min_events=100), 40, 60)
    assert (alarming.outcome, alarming.needed) == (INCONCLUSIVE, 40)
    assert judge(slo_of(99, min_events=100), 40, 100).outcome is FAIL


def test_messages_carry_the_figures() -> None:
    assert judge(slo_of(99), 11_661, 402_118).text == "2.9 % bad, at most 1 % allowed"
    assert judge(slo_of(99.9), 361, 1_204_311).text == "99.97 % held, 99.9 % wanted"
    assert judge(slo_of(99), 2.48, 310).text == "needs about 9,200 more events"
    assert judge(slo_of(99), 10, 1000).text == "right on its objective after 1,000 events"


def test_confidence_0_compares_the_share_itself() -> None:
    slo = slo_of(99, confidence=0)
    outcomes = [judge(slo, bad, 1000).outcome for bad in (0, 10, 10.1)]
    assert outcomes == [PASS, PASS, FAIL]


def test_estimates_a_hair_above_the_total_are_all_bad() -> None:
    assert judge(slo_of(99), 1000.4, 1000).ratio == 1
    assert judge(slo_of(99), -0.3, 10_000).ratio == 0


def test_a_hole_in_the_data_forbids_a_pass_and_excuses_no_failure() -> None:
    hole = ((100.0, 130.0),)
    good = decide(slo_of(99), Counts(bad=0, total=10_000, gaps=hole))
    assert good.outcome is INCONCLUSIVE
    assert good.text == "100 % held, 99 % wanted; no data from 1970-01-01T00:01:40Z for 30 s"
    assert decide(slo_of(99), Counts(bad=5_000, total=10_000, gaps=hole)).outcome is FAIL


def test_a_pass_without_any_error_series_says_so() -> None:
    found = decide(slo_of(99), Counts(bad=0, total=10_000, errors_unseen=True))
    assert (found.outcome, found.notes) == (PASS, ("there is no error series, so none was counted",))


def test_a_ratio_is_compared_without_an_interval_and_says_so(events_slo: Callable[..., Slo]) -> None:
    slo = events_slo(sli={"raw": {"error_ratio_query": "ratio{{.window}}"}})
    assert (
        decide(slo, Counts(ratio=0.02)).text == "2 % bad, at most 1 % allowed; a ratio without events has no interval"
    )
    assert judge_ratio(slo, 0.009).outcome is PASS
    assert judge_ratio(slo, None).outcome is judge_ratio(slo, math.nan).outcome is INCONCLUSIVE
    assert judge_ratio(slo, 0.009).interval is None


def test_a_judgement_becomes_a_finding_that_can_be_checked() -> None:
    found: Judgement = judge(slo_of(99), 30, 1000)
    finding = found.finding("slo/orders/outside")
    assert (finding.name, finding.outcome) == ("slo/orders/outside", FAIL)
    assert finding.message == "3 % bad, at most 1 % allowed"
    assert (finding.evidence["bad"], finding.evidence["total"], finding.evidence["held"]) == (30, 1000, 0.97)
    assert found.finding().name == "slo/orders"
