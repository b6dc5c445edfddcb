from __future__ import annotations

import httpx
import pytest

from chaos.fault_run import fault
from chaos.gauge import FaultGauge
from flashcrowd.process import free_port

LATENCY = {"fault": "network.latency", "on": "inventory"}


def samples(gauge: FaultGauge) -> dict[tuple[str, str], float]:
    (family,) = gauge.collect()
    assert family.name == "flashcrowd_fault_active"
    return {(sample.labels["fault"], sample.labels["on"]): sample.value for sample in family.samples}


def test_it_is_1_from_the_injection_until_it_is_seen_healed():
    gauge = FaultGauge([fault("network.latency", "inventory", "5s", ["delay=1ms"])])
    key = ("network.latency", "inventory")
    assert samples(gauge) == {key: 0}
    for kind, value in (
        *(("armed", 0), ("injected", 1), ("bites", 1), ("rearmed", 1)),
        *(("heal_failed", 1), ("healed", 0)),
    ):
        gauge.event(kind, {"id": "a", **LATENCY})
        assert samples(gauge) == {key: value}, kind


def test_two_of_the_same_are_one_and_it_ends_with_the_last():
    gauge = FaultGauge()
    for identity in ("a", "b"):
        gauge.event("injected", {"id": identity, **LATENCY})
    assert samples(gauge) == {("network.latency", "inventory"): 1}
    gauge.event("healed", {"id": "a", **LATENCY})
    assert samples(gauge) == {("network.latency", "inventory"): 1}
    gauge.event("healed", {"id": "b", **LATENCY})
    assert samples(gauge) == {("network.latency", "inventory"): 0}


def test_what_an_earlier_run_left_is_healed_without_ever_having_been_ours():
    gauge = FaultGauge()
    gauge.event("recovered", {"id": "z", **LATENCY})
    gauge.event("healed", {"id": "z", **LATENCY})
    assert samples(gauge) == {}


def test_it_is_scraped_while_faults_are_injected_and_gone_afterwards():
    gauge, port, told = FaultGauge(), free_port(), list[str]()
    gauge.event("injected", {"id": "a", **LATENCY})
    url = f"http://127.0.0.1:{port}/metrics"
    with gauge.served(port, told.append):
        text = httpx.get(url, trust_env=False).text
        assert 'flashcrowd_fault_active{fault="network.latency",on="inventory"} 1.0' in text
        with FaultGauge().served(port, told.append):
            assert "network.latency" in httpx.get(url, trust_env=False).text
    (line,) = told
    assert line.startswith("dashboards won't show when it was broken: ")
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_without_a_port_nothing_listens():
    told = list[str]()
    with FaultGauge().served(None, told.append):
        pass
    assert told == []
