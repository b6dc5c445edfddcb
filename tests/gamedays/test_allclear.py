from __future__ import annotations

from typing import Any

from gamedays.plan import FaultStep
from gamedays.playing.allclear import AllClear, Broken


def step(slo: str | None, at: str = "10s") -> FaultStep:
    fault = {"kind": "network.latency", "on": "inventory", "delay": "800ms", "for": "60s"}
    about: dict[str, Any] = {"at": at, "fault": fault}
    return FaultStep.model_validate({**about, "expect": {"slo": slo, "detected_within": "20s"}} if slo else about)


LATENCY, ERRORS, OTHER_LATENCY, NOTHING = step("latency"), step("errors"), step("latency", "20s"), step(None)


def clear_after(*in_place: FaultStep, healed: FaultStep) -> AllClear:
    broken = Broken()
    for number, one in enumerate(in_place):
        broken.injected(one, 100.0 + number)
    return broken.healed(healed)


def test_the_last_fault_to_heal_ends_every_incident_since_the_first():
    assert clear_after(LATENCY, healed=LATENCY) == AllClear(100.0)
    broken = Broken()
    for at, one in enumerate((LATENCY, ERRORS)):
        broken.injected(one, 100.0 + at)
    broken.healed(LATENCY)
    assert broken.healed(ERRORS) == AllClear(100.0)
    assert AllClear(100.0).concerns("chat", 100.5)
    assert not AllClear(100.0).concerns("chat", 99.5), "that was before anything was broken on purpose"


def test_a_fault_that_heals_beside_another_ends_the_incident_of_its_own_slo_alone():
    clear = clear_after(LATENCY, ERRORS, healed=LATENCY)
    assert clear == AllClear(100.0, frozenset({"latency"}))
    assert (clear.concerns("latency", 105.0), clear.concerns("errors", 105.0)) == (True, False)


def test_an_incident_that_another_fault_keeps_up_is_not_over():
    assert clear_after(LATENCY, OTHER_LATENCY, healed=LATENCY) == AllClear(100.0, frozenset())
    assert clear_after(NOTHING, ERRORS, healed=NOTHING) == AllClear(100.0, frozenset())
