from __future__ import annotations

from typing import Any

import pytest

from gamedays.plan import Plan
from gamedays.planning.nofault import shortened
from monitors import windows

POLICY = windows.find("rehearsal")


def plan(load: dict[str, Any], **spec: Any) -> Plan:
    fault = {"kind": "network.latency", "on": "inventory", "delay": "800ms", "for": "60s"}
    whole = {"scenario": "live-commerce", "viewers": 200, "over": "20s", **load}
    given = {"target": "embedded", "slos": ["storefront"], "load": whole, "steps": [{"at": "50s", "fault": fault}]}
    about = {"apiVersion": "flashcrowd/v1", "kind": "GameDay", "metadata": {"name": "a"}}
    return Plan.model_validate({**about, "spec": {**given, **spec}})


def test_it_lasts_as_long_as_the_plan_is_without_a_fault():
    assert shortened(plan({"hold": "180s"}), POLICY).duration == 140


def test_two_faults_at_once_are_left_out_once():
    both = [step.model_dump(by_alias=True, mode="json") for step in plan({"hold": "180s"}).spec.steps] * 2
    assert shortened(plan({"hold": "180s"}, steps=both), POLICY).duration == 140


def test_it_has_a_sale_and_a_draw_and_what_comes_too_late_is_left_out():
    sale = {"opens_at": ["30s", "65s", "90s"], "sku": "lipstick-01", "stock": 60}
    draw = {"opens_at": ["55s", "95s"], "prizes": 2}
    short = shortened(plan({"hold": "100s"}, sale=sale, draw=draw), POLICY)
    assert (short.duration, short.spec.sale.opens_at, short.spec.draw.opens_at) == (75, [30, 65], [55])


def test_it_fills_an_alert_s_long_window():
    assert shortened(plan({"hold": "70s"}), POLICY).duration == 40


@pytest.mark.parametrize("load", [{"hold": "0s", "over": "120s"}, {"hold": "100s", "shape": "spike"}])
def test_a_load_that_would_become_another_one_is_played_whole(load):
    assert shortened(plan(load), POLICY) == plan(load)
