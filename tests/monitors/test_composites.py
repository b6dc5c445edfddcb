from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.verdict import Outcome
from monitors.composites import judge as together
from monitors.counting.measure import Counts
from monitors.judge import Judgement, decide
from monitors.judge import judge as judge_slo
from monitors.slo import Composite, Slo

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def slo_of(name: str, confidence: float = 0.95) -> Slo:
    return Slo.model_validate(
        {
            "service": "shop",
            "name": name,
            "objective": 99,
            "sli": {"events": {"error_query": "e[{{.window}}]", "total_query": "t[{{.window}}]"}},
            "alerting": {"name": "Burn"},
            "rehearsal": {"confidence": confidence},
        }
    )


def composite(objective: float = 99, **parts: float) -> Composite:
    """All of the parts that weigh nothing; the weighted mean of others."""
    of = [{"slo": f"shop-{name}", "weight": weight} for name, weight in parts.items()]
    ways = {"of": of} if all(parts.values()) else {"all": [f"shop-{name}" for name in parts]}
    return Composite.model_validate({"service": "shop", "name": "journey", "objective": objective, **ways})


def part(name: str, bad: float | None, total: float | None = 100_000, confidence: float = 0.95) -> Judgement:
    return judge_slo(slo_of(name, confidence), bad, total)


def test_weights_make_a_mean() -> None:
    found = together(composite(a=3, b=1), [part("a", 100), part("b", 4000)])
    assert found.ratio == pytest.approx(0.75 * 0.001 + 0.25 * 0.04)
    assert (found.outcome, found.message) == (FAIL, "1.1 % bad, at most 1 % allowed")
    assert together(composite(a=9, b=1), [part("a", 100), part("b", 4000)]).outcome is PASS


def test_all_lies_between_the_worst_part_and_the_sum() -> None:
    parts = [part("a", 600), part("b", 600)]
    assert together(composite(a=0, b=0), parts).outcome is INCONCLUSIVE
    assert together(composite(a=0, b=0), parts).interval == pytest.approx((0.0055, 0.0131), abs=1e-3)
    assert together(composite(98.5, a=0, b=0), parts).outcome is PASS
    assert together(composite(99.5, a=0, b=0), parts).outcome is FAIL


def test_a_part_without_data_may_be_anything() -> None:
    unknown = part("b", None, None)
    found = together(composite(a=1, b=1), [part("a", 0), unknown])
    assert (found.outcome, found.ratio, found.doubts) == (INCONCLUSIVE, None, ("b: no data",))
    assert together(composite(a=1, b=1), [part("a", 10_000), unknown]).outcome is FAIL
    assert together(composite(a=0, b=0), [part("a", 10_000), unknown]).outcome is FAIL
    alone = together(composite(a=0, b=0), [part("a", None, None), unknown])
    assert (alone.outcome, alone.message) == (INCONCLUSIVE, "no data")


def test_a_doubtful_part_makes_it_doubtful() -> None:
    hole = decide(slo_of("b"), Counts(bad=0, total=100_000, gaps=((0.0, 60.0),)))
    few = part("b", 0, 99)
    for doubtful in (hole, few):
        assert together(composite(50, a=1, b=1), [part("a", 0), doubtful]).outcome is INCONCLUSIVE
    open_by_itself = part("b", 1000)
    assert open_by_itself.outcome is INCONCLUSIVE
    assert together(composite(a=1, b=1), [part("a", 0), open_by_itself]).outcome is PASS


def test_points_are_compared_where_the_parts_want_it() -> None:
    parts = [part("a", 900, confidence=0), part("b", 1100, confidence=0)]
    assert together(composite(a=1, b=1), parts).interval == pytest.approx((0.01, 0.01))


def test_json_names_its_parts() -> None:
    found = together(composite(a=1, b=1), [part("a", 100), part("b", 100)]).as_dict()
    assert (found["slo"], found["parts"], found["confidence"]) == ("shop-journey", ["shop-a", "shop-b"], 0.95)


SHARES = st.lists(st.floats(0, 0.05), min_size=3, max_size=3)


@settings(deadline=None, max_examples=50)
@given(SHARES, st.floats(0, 0.05), st.booleans(), st.sampled_from([95, 99, 99.5]))
def test_a_worse_part_never_helps(shares: list[float], more: float, weighted: bool, objective: float) -> None:
    names = ("a", "b", "c")
    whole = composite(objective, **dict.fromkeys(names, 1.0 if weighted else 0.0))
    worse = [shares[0] + more, *shares[1:]]
    order = [PASS, INCONCLUSIVE, FAIL]
    better, poorer = (
        together(whole, [part(name, 10_000 * share, 10_000) for name, share in zip(names, row, strict=True)])
        for row in (shares, worse)
    )
    assert order.index(better.outcome) <= order.index(poorer.outcome)


@settings(deadline=None, max_examples=50)
@given(SHARES, st.sampled_from([95, 99, 99.5]))
def test_parts_that_all_hold_a_common_objective_hold_its_mean(shares: list[float], objective: float) -> None:
    names = ("a", "b", "c")
    parts = [part(name, 10_000 * share, 10_000) for name, share in zip(names, shares, strict=True)]
    found = together(composite(objective, a=1, b=2, c=3), parts)
    if found.outcome is PASS:
        assert min(shares) <= 1 - objective / 100
    if found.outcome is FAIL:
        assert max(shares) > 1 - objective / 100
