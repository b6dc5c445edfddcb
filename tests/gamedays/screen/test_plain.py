from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from made_screens import until

from gamedays.screen import display
from gamedays.screen.figures import Figures, asked
from gamedays.screen.plain import PlainScreen, status
from monitors.prometheus import Prometheus


class Answers(Prometheus):
    """A Prometheus whose every answer is one number."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    async def scalar(self, promql: str, at: float | None = None) -> float | None:
        return self.value


def test_a_line_for_each_event_that_is_worth_one(prepared, capsys):
    screen = PlainScreen(prepared.slos)
    for event in until(120):
        screen.event(event)
    screen.signalled(1)
    screen.signalled(2)
    screen.saved(Path("runs/x/report.html"), "interrupted at 01:03 of 02:00")
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "  00:00  load       the first viewers arrive"
    assert lines[4] == "  00:51  fault      network.latency on inventory bites: p50 811 ms"
    assert lines[5] == "  00:54  page       OrderLatencyBurn → runbook order-latency, 0.4 s after the breach"
    assert lines[-2].endswith("  stopping   still healing and saving; it takes a few seconds")
    assert lines[-1].endswith("  saved      what there is: runs/x/report.html (interrupted at 01:03 of 02:00)")
    assert all(re.match(r"  \d+:\d\d  ", line) for line in lines)
    assert len(lines) == 14


async def test_the_figures_name_only_the_objectives_that_are_not_held(prepared):
    good = await asked(Figures(), prepared.slos, Answers(0.001))
    assert status(good, prepared.slos) == "0 viewers · 0 orders/s · 0 comments/s · all held"
    bad = await asked(good, prepared.slos, Answers(0.008))
    assert status(bad, prepared.slos).endswith(" comments/s · 2 held · order-availability 99.2 % of 99.5 %")
    assert bad.good["order-latency"] == (0.999, 0.992)


async def test_figures_of_nothing_are_no_data(prepared):
    none = await asked(Figures(), prepared.slos, Answers(None))
    assert set(none.good.values()) == {(None,)}
    assert none.viewers == (0.0,)
    assert status(none, prepared.slos).endswith("0 comments/s · 3 of 3 objectives without data")


async def test_a_share_is_never_above_one_nor_below_none(prepared):
    for value, share in ((-0.1, 1.0), (1.2, 0.0)):
        assert (await asked(Figures(), prepared.slos, Answers(value))).latest("order-latency") == share


def test_a_pipe_that_nobody_reads_any_more_does_not_end_the_game_day(prepared, monkeypatch):
    class Broken(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Broken())
    screen = PlainScreen(prepared.slos)
    for event in until(120):
        screen.event(event)


def test_without_a_terminal_the_lines_are_plain(prepared):
    with display.of_run(prepared) as screen:
        assert isinstance(screen, PlainScreen)
