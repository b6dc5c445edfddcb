from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from flashcrowd.rundir import Event
from gamedays import display
from gamedays.checks import prepare
from gamedays.display import LiveScreen, PlainScreen
from gamedays.figures import BARS, Figures, sparkline
from gamedays.plan import Plan
from monitors.prometheus import Prometheus
from monitors.slo import Slo

LONG = "the-availability-of-orders-in-the-rooms-of-the-great-sale-of-november"
ABOUT = {"id": "f1", "fault": "network.latency", "on": "inventory", "message": "network.latency on inventory"}
STEP = {"runbook": "order-latency", "section": "Mitigation", "step": "reserve-blocks"}
STORY: list[tuple[str, str, dict[str, Any]]] = [
    ("conductor", "starting", {"target": "embedded"}),
    ("conductor", "started", {"duration": 120.0}),
    ("fault", "injected", ABOUT),
    ("alert", "page", {"alert": "OrderLatencyBurn", "runbook": "order-latency"}),
    ("runbook", "step_start", STEP),
    ("runbook", "step_end", {**STEP, "state": "done", "message": "200 OK\n" * 30}),
    ("runbook", "ended", {"runbook": "order-latency", "outcome": "not_recovered"}),
    ("fault", "healed", ABOUT),
]
PHASES = ["starting", "baseline", "fault", "fault", "mitigation", "mitigation", "mitigation", "recovery"]


class Answers(Prometheus):
    """A Prometheus whose every answer is one number."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    async def scalar(self, promql: str, at: float | None = None) -> float | None:
        return self.value


@pytest.fixture(scope="module")
def plan() -> Plan:
    return prepare("flash-sale-rehearsal").plan


@pytest.fixture(scope="module")
def slos() -> tuple[Slo, ...]:
    return prepare("flash-sale-rehearsal").slos


def shown(screen: LiveScreen) -> list[str]:
    """The screen's lines on a terminal of 80×24."""
    console = Console(file=io.StringIO(), record=True, width=80, height=24)
    console.print(screen.render())
    return console.export_text().splitlines()


def tell(screen: LiveScreen | PlainScreen, number: int) -> None:
    source, kind, data = STORY[number]
    screen.event(Event(time.time(), source, kind, data))


@pytest.mark.parametrize("count", [1, 3, 9, 30])
@pytest.mark.parametrize("name", ["order-latency", LONG])
async def test_the_live_screen_fits_its_terminal_in_each_phase(plan, slos, name, count):
    many = [slos[1].model_copy(update={"name": f"{name}-{number}"}) for number in range(count)]
    screen = LiveScreen(
        plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"name": f"{LONG} {LONG}"})}), many
    )
    for _ in range(70):
        await screen._figures.refresh(Answers(0.2))
    for number in range(len(STORY)):
        tell(screen, number)
        lines = shown(screen)
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80
        assert sum("below its objective" in line for line in lines) == min(count, 9)


def test_each_phase_has_its_name(plan, slos):
    screen = LiveScreen(plan, slos)
    for number, phase in enumerate(PHASES):
        tell(screen, number)
        assert f" · {phase} · " in shown(screen)[0]


def test_the_live_screen_says_what_is_broken_who_was_paged_and_what_comes_next(plan, slos):
    screen = LiveScreen(plan, slos)
    assert [line.rstrip() for line in shown(screen) if line.startswith("  order-latency")] == [
        "  order-latency          no data  of 99 %"
    ]
    for number in range(5):
        tell(screen, number)
    text = "\n".join(shown(screen))
    assert re.search(r"broken +network\.latency on inventory\n", text)
    assert re.search(r"page +OrderLatencyBurn\n", text)
    assert re.search(r"runbook +order-latency: Mitigation · reserve-blocks\n", text)
    assert re.search(r"next +sale, wave 1 at 00:30\n", text)


def test_the_control_without_the_fault_announces_none(plan, slos):
    step = plan.spec.steps[0].model_copy(update={"at": 1.0})
    sudden = plan.model_copy(update={"spec": plan.spec.model_copy(update={"steps": [step]})})
    assert "network.latency on inventory" in "\n".join(shown(LiveScreen(sudden, slos)))
    assert "network.latency" not in "\n".join(shown(LiveScreen(sudden, slos, "no-fault")))


async def test_those_objectives_are_shown_that_are_missed(plan, slos):
    many = [slos[1].model_copy(update={"name": f"slo-{number}"}) for number in range(20)]
    screen = LiveScreen(plan, many)
    await screen._figures.refresh(Answers(0.0))
    screen._figures.good["slo-19"] = 0.5
    assert "slo-19" in "\n".join(shown(screen))


async def test_plain_lines_tell_events_and_figures(slos, capsys):
    screen = PlainScreen(slos)
    for number in range(len(STORY)):
        tell(screen, number)
    screen._figures.good = {}
    await screen._figures.refresh(Answers(0.004))
    screen._print(time.time(), "", screen._status())
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "  00:00  load       the first viewers arrive"
    assert lines[3] == "  00:00  page       OrderLatencyBurn → runbook order-latency"
    assert lines[-1].split("  ")[-1].strip() == (
        "0 viewers · 0 orders/s · order-availability 99.6 % · order-latency 99.6 % · chat-delivery 99.6 %"
    )
    assert all(re.match(r"  \d\d:\d\d  ", line) for line in lines)


def test_without_a_terminal_the_lines_are_plain(plan, slos):
    with display.display(plan, slos) as screen:
        assert isinstance(screen, PlainScreen)


async def test_figures_of_nothing_are_no_data(slos):
    figures = Figures(slos)
    await figures.refresh(Answers(None))
    assert set(figures.good.values()) == {None}
    assert list(figures.viewers) == [0.0]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e9), max_size=80), st.integers(1, 60))
def test_a_sparkline_has_a_bar_for_each_of_the_last_values(values, width):
    line = sparkline(values, width)
    last = values[-width:]
    assert len(line) == len(last)
    assert set(line) <= set(BARS)
    if any(last):
        assert line[last.index(max(last))] == BARS[-1]
    for one, other in zip(sorted(last), sorted(last)[1:], strict=False):
        assert line[last.index(one)] <= line[last.index(other)]
