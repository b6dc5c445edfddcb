"""Faults as plans write them: what is accepted, and what is said about what isn't."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.faults import KINDS, AnyFault, parse_fault
from flashcrowd.documents import Model, read
from flashcrowd.errors import DocumentError, InputError
from flashcrowd.target import Component

GOOD = {"kind": "network.latency", "on": "inventory", "delay": "800ms", "for": "60s"}


class Plan(Model):
    faults: list[AnyFault]


def test_a_fault_says_what_it_is():
    assert parse_fault(GOOD).describe() == "network.latency on inventory, 800 ms for 1m"
    assert parse_fault({**GOOD, "jitter": "50ms"}).describe() == "network.latency on inventory, 800 ms ± 50 ms for 1m"


@settings(deadline=None)
@given(delay=st.integers(1, 10**7), lasts=st.integers(1, 86_400_000), share=st.floats(0, 1))
def test_a_fault_written_as_json_is_read_back_the_same(delay, lasts, share):
    jitter = int(delay * share)
    fault = parse_fault({**GOOD, "delay": f"{delay}ms", "jitter": f"{jitter}ms", "for": f"{lasts}ms"})
    again = parse_fault(fault.model_dump(mode="json", by_alias=True))
    assert again.describe() == fault.describe()
    assert round(again.duration * 1000) == lasts


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "{kind: network.latncy, on: a}",
            "faults[0].kind: no fault kind 'network.latncy'; did you mean 'network.latency'?",
        ),
        ("{on: a}", "faults[0].kind: is missing"),
        ("{kind: network.latency, on: a, delay: 1s}", "faults[0].for: is missing"),
        ("{kind: network.latency, on: a, delay: 1s, for: 60}", "faults[0].for: '60' has no unit; write 60s, 5m or 1h"),
        ("{kind: network.latency, on: a, delay: 1s, for: 0s}", "faults[0].for: a fault lasts more than 0s"),
        (
            "{kind: network.latency, on: a, delay: 1s, for: 25h}",
            "faults[0].for: a fault lasts more than 0s and at most 1d",
        ),
        (
            "{kind: network.latency, on: a, delay: 1s, for: 9s, dely: 2s}",
            "faults[0].dely: unknown field; did you mean 'delay'?",
        ),
        (
            "{kind: network.latency, on: a, delay: 1s, jitter: 2s, for: 9s}",
            "faults[0]: jitter 2s is more than delay 1s",
        ),
        ("latency", "faults[0]: wants a fault, such as {kind: network.latency"),
    ],
)
def test_a_wrong_fault_in_a_plan_is_told_with_its_place(tmp_path: Path, fault: str, message: str):
    file = tmp_path / "plan.yaml"
    file.write_text(f"faults:\n  - {fault}\n")
    with pytest.raises(DocumentError) as caught:
        read(file, Plan)
    assert f"{file}:2: {message}" in str(caught.value)


def test_all_that_is_wrong_with_a_fault_of_the_command_line_is_told_together():
    with pytest.raises(InputError) as caught:
        parse_fault({"kind": "network.latency", "on": "inventory", "for": "never", "speed": 1})
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["for", "delay", "speed"]


def test_a_component_without_a_link_is_refused_with_the_remedy():
    assert "give it one (toxiproxy, proxy)" in (parse_fault(GOOD).check(Component()) or "")


def test_every_kind_is_registered_under_its_own_name():
    for name, kind in KINDS.items():
        assert kind.model_fields["kind"].default == name
