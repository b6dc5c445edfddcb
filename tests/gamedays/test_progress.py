"""Every event that is recorded has a sentence, or is silent on purpose; and no sentence waits for an event that never
comes. The events are taken from the code that records them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.rundir import Event
from gamedays.progress import SENTENCES, sentence
from runbooks.execution import State

ROOT = Path(__file__).parents[2]
SILENT = {
    "conductor/phase",  # what begins it says it
    "conductor/prometheus_lost",  # the abort that follows says it
    "fault/armed",  # each fault is; that it is injected says enough
    "load/interrupted",  # a load alone has no screen
    "runbook/step_start",
    "runbook/step_ask",
    "runbook/step_decision",
    "runbook/step_planned",
    "runbook/step_skipped",
}
STEP_KINDS = {"start", "ask", "decision", "end"}


def calls(file: str, method: str) -> list[list[ast.expr]]:
    tree = ast.parse((ROOT / file).read_text())
    return [
        node.args
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    ]


def texts(node: ast.expr) -> list[str]:
    """The strings that an argument may be; none when it is worked out elsewhere."""
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def recorded() -> set[str]:
    found = {
        f"{source}/{kind}"
        for file in (ROOT / "gamedays").rglob("*.py")
        for args in calls(str(file.relative_to(ROOT)), "record")
        for source in texts(args[0])
        for kind in texts(args[1])
    }
    openings = {kind for args in calls("gamedays/playing/schedule.py", "record") for kind in texts(args[1])}
    found |= {f"{source}/{kind}" for source in ("sale", "draw") for kind in openings}
    found |= {f"fault/{kind}" for args in calls("chaos/injector.py", "_tell") for kind in texts(args[0])}
    steps = {kind for args in calls("runbooks/taker.py", "record") if len(args) > 1 for kind in texts(args[0])}
    passed = {State.PLANNED.value, State.SKIPPED.value}  # `skip` records a step's state
    return found | {f"runbook/step_{kind}" for kind in steps | passed}


def test_the_events_are_found_in_the_code():
    assert {"conductor/started", "sale/opened", "fault/bites", "fault/did_not_bite", "runbook/step_end"} <= recorded()


def test_every_recorded_event_is_told_or_silent_on_purpose():
    assert recorded() - set(SENTENCES) == SILENT
    assert set(SENTENCES) <= recorded()


DATA: dict[str, Any] = {
    "target": "embedded",
    "prizes": ["mug"],
    "opens_at": 10.0,
    "closes_at": 20.0,
    "orders": 12,
    "settled": True,
    "reason": "Prometheus is gone",
    "what": "ledger",
    "wave": 2,
    "stock": 1500,
    "sku": "lipstick-01",
    "fault": "network.latency",
    "on": "inventory",
    "message": "p50 811 ms",
    "alert": "OrderLatencyBurn",
    "runbook": "order-latency",
    "section": "Mitigation",
    "step": "reserve-blocks",
    "state": "not_matched",
    "outcome": "not_recovered",
    "told_by": "alertmanager",
    "taken_back": ["reserve-blocks"],
    "kept": ["restart-inventory"],
    "left": ["reserve-blocks"],
    "by_hand": "flashcrowd runbook run order-latency --rollback runs/x.jsonl",
    "broken": ["network.latency on inventory"],
}


@pytest.mark.parametrize("name", SENTENCES)
def test_each_sentence_is_one_line_with_a_short_label(name):
    source, _, kind = name.partition("/")
    label, text = sentence(Event(1.0, source, kind, DATA))
    assert 0 < len(label) <= 10
    assert text
    assert not text.endswith(".")
    assert "_" not in text
    assert "None" not in text


def test_sentences_say_what_matters():
    def told(name: str, **data: Any) -> str:
        source, _, kind = name.partition("/")
        return sentence(Event(1.0, source, kind, {**DATA, **data}))[1]

    assert told("sale/scheduled") == "wave 2: 1,500 lipstick-01 announced"
    assert told("alert/page") == "OrderLatencyBurn → runbook order-latency"
    assert told("alert/page", runbook=None) == "OrderLatencyBurn → no runbook"
    assert told("alert/page", latency=0.44) == "OrderLatencyBurn → runbook order-latency, 0.4 s after the breach"
    assert told("alert/source", told_by="prometheus") == "are read from Prometheus: Prometheus is gone"
    assert told("alert/silenced", reason="silenced by anna: x") == "OrderLatencyBurn calls nobody: silenced by anna: x"
    assert told("runbook/step_end") == "Mitigation · reserve-blocks: not matched, p50 811 ms"
    assert told("runbook/step_end", message="") == "Mitigation · reserve-blocks: not matched"
    taken_back = "order-latency: reserve-blocks taken back; nothing to take back of restart-inventory"
    assert told("runbook/stood_down") == taken_back
    assert "reserve-blocks is still in place: p50 811 ms; by hand: flashcrowd runbook" in told(
        "runbook/stand_down_failed"
    )
    assert told("runbook/started", instead_of="order-errors").endswith("instead of order-errors: this is the control")
    assert told("conductor/aborted", reason="load ended with 1:\n  Traceback\n") == "load ended with 1: Traceback"
    assert sentence(Event(1.0, "runbook", "step_start", DATA)) is None
