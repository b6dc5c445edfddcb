"""The live display on a real pseudo-terminal, read by an emulator: what stands there; nothing wraps or scrolls."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from emulator import Emulator
from made_screens import START, until

from gamedays.screen import terminal
from gamedays.screen.aside import Aside
from gamedays.screen.live import LOG, LiveScreen
from gamedays.screen.terminal import Terminal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


@pytest.fixture
def live(prepared, emulator, folder, monkeypatch) -> Callable[..., LiveScreen]:
    """A live screen on the emulator's device, told what happened until so many seconds after the start."""
    monkeypatch.setenv("TERM", "xterm-256color")
    opened: list[LiveScreen] = []

    def make(seconds: float, slos=prepared.slos, aside: Aside | None = None) -> LiveScreen:
        ours = Terminal(emulator.device, aside or Aside(()))
        screen = LiveScreen(prepared.plan, slos, None, ours, lambda: START + seconds)
        opened.append(screen)
        screen.begins(folder)
        for event in until(seconds):
            screen.event(event)
        return screen

    yield make
    for screen in opened:
        screen.close()


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40)])
def test_the_display_stands_whole_and_still(live, emulator, prepared, columns, lines):
    emulator.resize(columns, lines)
    live(58.0, [slo.model_copy(update={"name": f"{slo.name}-{n}"}) for slo in prepared.slos for n in range(4)])
    emulator.until(lambda: "reserve-blocks" in emulator.text)
    rows = emulator.rows
    assert rows[0].startswith("flash-sale-rehearsal · embedded storefront")
    assert rows[0].endswith("  MITIGATION  00:58 of 02:00")
    assert len(rows[0]) == len(rows[1]) == columns
    assert [row[:10].strip() for row in rows if re.match(r"  (broken|page|runbook|next) ", row)] == [
        "broken",
        "page",
        "runbook",
        "next",
    ]
    assert rows[-1].startswith("  00:54  runbook    Mitigation · reserve-blocks: done, 200 OK 200 OK") or lines == 40
    assert emulator.screen.scrolled == 0
    assert emulator.screen.cursor.hidden


def test_a_resize_is_followed_in_both_directions(live, emulator):
    live(58.0)
    emulator.until(lambda: "reserve-blocks" in emulator.text)
    for columns, lines in ((120, 40), (80, 24), (60, 12)):
        emulator.resize(columns, lines)
        emulator.until(lambda columns=columns: len(emulator.rows[1]) == columns and "━" in emulator.rows[1])
        rows = emulator.rows
        assert sum("flash-sale-rehearsal" in row for row in rows) == 1
        assert rows[0].startswith("flash-sale-rehearsal")
        assert emulator.screen.scrolled == 0


def test_what_was_on_the_terminal_is_there_again_at_the_end(live, emulator, folder):
    os.write(emulator.device, b"$ flashcrowd gameday run\r\n")
    screen = live(58.0)
    emulator.until(lambda: "reserve-blocks" in emulator.text)
    assert emulator.screen.alternate
    assert not emulator.echoes
    screen.close()
    assert emulator.rows[:2] == ["$ flashcrowd gameday run", ""]
    assert emulator.echoes
    assert not emulator.screen.cursor.hidden
    assert not (folder / "logs" / LOG).exists()


def test_what_is_typed_at_the_display_is_not_written_into_it(live, emulator):
    live(58.0)
    emulator.until(lambda: "reserve-blocks" in emulator.text)
    before = emulator.rows[2:]
    emulator.type("what?\n\n\n\n\n")
    emulator.resize(81, 24)
    emulator.until(lambda: len(emulator.rows[1]) == 81)
    assert "what?" not in emulator.text
    assert len(before) == len(emulator.rows[2:])
    assert emulator.screen.scrolled == 0


def test_what_others_print_goes_to_the_logs_and_its_last_line_is_shown(live, emulator, folder):
    stray = os.dup(emulator.device)  # standard error of this process, or of a child that has inherited it
    screen = live(58.0, aside=Aside((stray,)))
    emulator.until(lambda: "reserve-blocks" in emulator.text)
    os.write(stray, b"WARNING first\r\n\x1b[31mWARNING second\r\n")
    emulator.until(lambda: "printed  ?[31mWARNING second (logs/flashcrowd.log)" in emulator.text)
    assert "WARNING first" not in emulator.text
    screen.close()
    os.write(stray, b"after\r\n")
    emulator.until(lambda: "after" in emulator.text)
    assert f"printed meanwhile: {folder / 'logs' / LOG}"[:60] in emulator.text
    assert (folder / "logs" / LOG).read_bytes() == b"WARNING first\r\n\x1b[31mWARNING second\r\n"
    os.close(stray)


@pytest.mark.parametrize(("variable", "coloured"), [("TERM", True), ("NO_COLOR", False)])
def test_no_color_is_respected(live, emulator, monkeypatch, variable, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, "xterm-256color")
    live(58.0)
    emulator.until(lambda: "reserve-blocks" in emulator.text)
    cells = [cell for row in emulator.screen.buffer.values() for cell in row.values()]
    assert any(cell.fg not in ("default",) for cell in cells) is coloured


def test_a_frame_that_fails_is_said_and_does_not_end_anything(live, emulator, monkeypatch):
    monkeypatch.setattr("gamedays.screen.live.frame", lambda *_: 1 / 0)
    screen = live(58.0)
    emulator.until(lambda: "this frame can't be drawn: ZeroDivisionError" in emulator.text)
    monkeypatch.undo()
    screen.event(until(120)[-1])
    emulator.until(lambda: "reserve-blocks" in emulator.text)


def test_a_terminal_that_is_gone_is_no_error(prepared, folder):
    gone = Emulator()
    screen = LiveScreen(prepared.plan, prepared.slos, None, Terminal(gone.device, Aside(())))
    gone.close()
    screen.begins(folder)
    for event in until(58):
        screen.event(event)
    screen.signalled(1)
    screen.saved(folder / "report.html", "interrupted at 00:58 of 02:00")
    screen.close()


def test_a_terminal_that_takes_nothing_holds_nothing_up(prepared, emulator, folder, monkeypatch):
    free = threading.Event()

    class Stuck(Terminal):
        def write(self, text: str) -> None:
            free.wait(30)

    monkeypatch.setattr("gamedays.screen.live.PATIENCE", 0.05)
    before = threading.active_count()
    screen = LiveScreen(prepared.plan, prepared.slos, None, Stuck(emulator.device, Aside(())))
    screen.begins(folder)
    for event in until(58):
        screen.event(event)
    screen.signalled(1)
    screen.close()
    assert threading.active_count() == before + 1
    assert emulator.echoes
    free.set()
    emulator.until(lambda: threading.active_count() == before)


def test_a_display_that_was_never_opened_can_be_closed(prepared, emulator):
    LiveScreen(prepared.plan, prepared.slos, None, Terminal(emulator.device, Aside(()))).close()
    assert emulator.text.strip() == ""


@pytest.mark.parametrize(
    ("name", "columns", "lines", "fits"),
    [
        ("xterm", 80, 24, True),
        ("xterm", 79, 24, False),
        ("xterm", 80, 23, False),
        ("dumb", 80, 24, False),
        ("", 80, 24, False),
        (None, 80, 24, False),
    ],
)
def test_a_display_needs_a_terminal_that_is_large_and_clever_enough(emulator, monkeypatch, name, columns, lines, fits):
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    monkeypatch.delenv("TERM", raising=False)
    if name is not None:
        monkeypatch.setenv("TERM", name)
    emulator.resize(columns, lines)
    assert terminal.fits(80, 24, emulator.device) is fits


def test_a_pipe_is_no_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    reading, writing = os.pipe()
    assert not terminal.fits(80, 24, writing)
    os.close(reading)
    os.close(writing)


def test_a_terminal_that_writes_no_utf_8_gets_lines(emulator, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    assert not terminal.fits(80, 24, emulator.device)
