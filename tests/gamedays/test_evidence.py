"""What is read from a run directory besides its events: the crowd, the waves of the sale, the orders."""

from __future__ import annotations

import pytest

from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Outcome
from gamedays.judging.crowd import Crowd, crowd, doubtful
from gamedays.judging.orders import judge_orders
from gamedays.judging.waves import waves

SALE = {"sku": "lipstick-01", "stock": 60}


@pytest.fixture
def empty(tmp_path) -> RunDirectory:
    return RunDirectory.create(tmp_path, "empty")


def test_the_crowd_is_the_most_that_were_connected_and_what_the_generator_says_of_itself(rehearsed):
    run = rehearsed(saturated=2)
    charts = [{"series": "connected", "points": [[1.0, 12.0], [2.0, 2000.0], [3.0, 7.0]]}]
    assert crowd(run, charts) == Crowd(viewers=2000, lag=0.005, saturated_seconds=2)


def test_a_crowd_without_figures_is_unknown(rehearsed, empty):
    assert crowd(empty, []) is None
    late = [{"series": "saturated", "points": [[100.0, 0.0], [101.0, 1.0], [102.0, None]]}]
    assert doubtful(Crowd(None, 0.0, 2), late, 60.0, 100.0)  # it looked back at them
    assert doubtful(Crowd(None, 0.0, 2), late, 100.5, 130.0)
    assert not doubtful(Crowd(None, 0.0, 2), late, 20.0, 60.0)
    assert not doubtful(Crowd(None, 0.0, 2), late, 102.0, 130.0)
    assert doubtful(Crowd(None, 0.0, 2), [], 20.0, 60.0)  # it was, and nobody knows when
    assert doubtful(None, late, 20.0, 60.0)
    assert not doubtful(Crowd(None, 0.0, 0), [], 20.0, 60.0)
    assert crowd(rehearsed(), []) == Crowd(viewers=None, lag=0.005, saturated_seconds=0)


def test_a_wave_counts_the_orders_that_were_wanted_while_it_was_open(rehearsed):
    first, second, third = waves(rehearsed())
    assert [wave.number for wave in (first, second, third)] == [1, 2, 3]
    assert [wave.sold for wave in (first, second, third)] == [60, 60, 60]
    assert first.took == pytest.approx(59 * 3.0 / 60 + 0.08)
    assert third.p99 == pytest.approx(0.08)


def test_waves_without_orders_have_no_times(empty):
    empty.record("sale", "opened", at=1.0, wave=1, **SALE)
    (wave,) = waves(empty)
    assert (wave.sold, wave.took, wave.p99) == (0, None, None)


def test_no_sale_has_no_waves_and_an_unreadable_history_tells_of_none(rehearsed, empty):
    assert waves(empty) == []
    run = rehearsed()
    (run.path / "load" / "history-1.jsonl").write_text('{"key": 1}\n')
    assert waves(run) == []


def test_a_single_order_has_no_quantile(rehearsed):
    run = rehearsed()
    file = run.path / "load" / "history-0.jsonl"
    file.write_text(file.read_text().splitlines(keepends=True)[0])
    assert [(wave.sold, wave.p99) for wave in waves(run)] == [(1, None), (0, None), (0, None)]


def test_without_a_ledger_nothing_is_known_of_the_orders(empty):
    judgement = judge_orders(empty)
    (finding,) = judgement.findings
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert finding.message == "the orders can't be checked: the run left no load/ledger.jsonl"
    assert judgement.summary.accepted == 0


def test_an_empty_ledger_beside_no_history_is_no_pass(empty):
    empty.write_text("load/ledger.jsonl", "")
    found = {finding.name: finding.outcome for finding in judge_orders(empty).findings}
    assert found["invariant/activity"] is Outcome.INCONCLUSIVE


def test_the_stock_is_that_of_all_waves_together(rehearsed):
    found = {finding.name: finding for finding in judge_orders(rehearsed()).findings}
    assert "180 of 180 lipstick-01" in found["invariant/oversold"].message


def test_who_was_turned_away_before_a_later_wave_is_no_undersell(rehearsed):
    run = rehearsed(interrupted=70.0)
    file = run.path / "load" / "history-0.jsonl"
    line = file.read_text().splitlines()[0]
    turned_away = line.replace('"accepted"', '"rejected"').replace('"reason":""', '"reason":"sold_out"')
    file.write_text(file.read_text() + turned_away.replace("w1-0", "early") + "\n")
    found = {finding.name: finding.outcome for finding in judge_orders(run).findings}
    assert found["invariant/undersold"] is Outcome.PASS
