from __future__ import annotations

import pytest

from gamedays.planning import timetable
from gamedays.planning.checks import prepare


@pytest.fixture(scope="module")
def told() -> str:
    return timetable.text(prepare("flash-sale-rehearsal"))


def test_a_plan_is_told_in_order_of_time_within_80_columns(told):
    lines = told.splitlines()
    assert max(map(len, lines)) <= 80
    clocks = [line[2:7] for line in lines if line[2:4].isdigit()]
    assert clocks == sorted(clocks)
    assert clocks[0] == "00:00"
    assert clocks[-1] == "02:00"


def test_a_plan_tells_what_will_happen_what_is_expected_and_what_is_touched(told):
    text = " ".join(told.split())
    for part in (
        "00:00 ramp 1,500 viewers in 20 s, scenario live-commerce",
        "01:00 sale, wave 2 350 of lipstick-01 go on sale",
        "00:50 fault network.latency on inventory, 800 ms for 1m",
        "01:10 expected at the latest: order-latency pages, naming runbook order-latency",
        "01:25 expected at the latest: order-latency is back within its objective, fault still on",
        "01:50 healed network.latency on inventory",
        "Touches 127.0.0.1, processes of our own; components: inventory",
        "May act order-errors:",
        "order-latency: reserve-blocks (POST ${shop.admin}/reservation)",
        "Judges order-availability 99.5 % 765 good events decide, about 1,100 planned",
        "chat-delivery 99 % 381 good events decide",
        "Controls no-fault, no-runbook (play them with --with-controls)",
        "Aborts flashcrowd_generator_saturated == 1",
    ):
        assert part in text


def test_a_plan_without_faults_sales_and_conditions_is_told_as_such(tmp_path):
    file = tmp_path / "calm.yaml"
    file.write_text(
        "apiVersion: flashcrowd/v1\nkind: GameDay\nmetadata: {name: calm}\nspec:\n  target: embedded\n"
        "  slos: [storefront]\n  load: {scenario: live-commerce, viewers: 500, over: 1s, hold: 39s}\n"
    )
    text = timetable.text(prepare(str(file)))
    assert "components: none" in text
    assert "Aborts    only when Prometheus is gone" in text
    assert "fault" not in text


def test_what_is_expected_at_the_end_of_a_fault_is_told_there():
    text = " ".join(timetable.text(prepare("ci")).split())
    for part in (
        "00:27 expected at the latest: the runbook's mitigations have been done",
        "00:32 expected at most 0.2 % of order-latency's error budget is spent; no other objective was hit;",
        "checked at the end, and held: oversold, undersold, lost, duplicate, rejected-but-stored",
    ):
        assert part in text
    soak = timetable.text(prepare("soak"))
    assert "Drift     memory: may grow by 30 % at most" in soak


def test_a_crowd_that_will_hardly_decide_is_told_so(tmp_path):
    file = tmp_path / "thin.yaml"
    plan = "apiVersion: flashcrowd/v1\nkind: GameDay\nmetadata: {name: thin}\nspec:\n  target: embedded\n"
    file.write_text(
        f"{plan}  slos: [storefront]\n  load: {{scenario: live-commerce, viewers: 500, over: 1s, hold: 39s}}\n"
    )
    told = " ".join(timetable.text(prepare(str(file))).split())
    assert "765 good events decide, about 200 planned: may well decide nothing" in told
