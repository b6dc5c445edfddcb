from __future__ import annotations

import random
from dataclasses import asdict

import pytest

from flashcrowd.verdict import Outcome, Verdict
from gamedays import gameday
from gamedays.judging import drift
from gamedays.judging.drift import Series, grown
from gamedays.report import sentences

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
START = 1_800_000_000.0


def series(growth: float, noise: float = 0.0, every: float = 1.0, until: float = 120.0) -> list[tuple[float, float]]:
    """A level of 100 that grows by this share in two minutes."""
    dice = random.Random(7)
    count = int(until / every)
    return [(n * every, 100 * (1 + growth * n * every / 120) * (1 + dice.gauss(0, noise))) for n in range(count)]


@pytest.mark.parametrize("growth", [0.0, 0.1, 1.0, -0.3])
def test_a_straight_growth_is_measured_as_it_is(growth):
    found = grown(series(growth), 120.0, 1.0)
    assert found.share == pytest.approx(growth * found.seconds / 120, rel=0.05, abs=1e-9)
    assert found.low <= found.share <= found.high


def test_the_truth_lies_in_the_interval_nineteen_times_of_twenty():
    dice = random.Random(3)
    inside = 0
    for _ in range(200):
        noisy = [(at, value * (1 + dice.gauss(0, 0.1))) for at, value in series(0.2)]
        found = grown(noisy, 120.0, 1.0)
        inside += found.low <= 0.2 * found.seconds / 120 <= found.high
    assert inside >= 180


def test_spikes_do_not_decide():
    spiky = [(at, value * (50 if at % 17 == 0 else 1)) for at, value in series(0.0)]
    assert grown(spiky, 120.0, 1.0).high < 0.01


@pytest.mark.parametrize("points", [[], series(0.0)[:90], series(0.0)[:10], [(at, 0.0) for at, _ in series(0.0)]])
def test_of_too_little_nothing_is_said(points):
    assert grown(points, 120.0, 1.0) is None


JUDGED = {
    "nothing grows": (series(0.0), PASS, "changed by 0 %"),
    "it leaks": (series(1.0), FAIL, "at most 20 % wanted"),
    "it shrinks": (series(-0.5), PASS, "wanted"),
    "nobody can tell": (series(0.3, noise=0.6), INCONCLUSIVE, "surely"),
    "no data for half of it": (series(0.0, until=75.0), INCONCLUSIVE, "Prometheus has data for"),
    "no data": ([], INCONCLUSIVE, "the query gave no series: no data"),
}


@pytest.mark.parametrize(("points", "outcome", "says"), JUDGED.values(), ids=JUDGED)
def test_each_series_has_its_finding(rehearsed, points, outcome, says):
    run = rehearsed()
    manifest = run.read_json("manifest.json")
    manifest["plan"]["spec"] |= {"steps": [], "drift": [{"name": "memory", "query": "x", "at_most": "20 %"}]}
    run.write_json("manifest.json", manifest)
    seen = Series("memory", {"job": "shop"}, 1.0, tuple((START + at, value) for at, value in points))
    if points:
        run.write_json(drift.FILE, [asdict(seen)])
    ended = gameday.judge(run.path)
    (one,) = [one for one in ended.verdict.findings if one.name.startswith("drift/")]
    assert (one.name, one.outcome) == ("drift/memory/shop" if points else "drift/memory", outcome), one
    assert says in one.message
    if outcome is PASS:
        assert sentences.next_step(ended.story, Verdict((one,))).startswith("Nothing: all of it held")


def test_a_plan_that_asks_for_none_has_no_such_finding(judged):
    assert not [one for one in judged().verdict.findings if one.name.startswith("drift/")]
