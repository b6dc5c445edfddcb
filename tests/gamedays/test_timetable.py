from __future__ import annotations

import pytest

from gamedays import timetable
from gamedays.checks import prepare


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
        "Judges order-availability 99.5 %, order-latency 99 %, chat-delivery 99 %",
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
