"""Ctrl-C at a real terminal: the display goes, the fault is healed however often it comes, what there is is said."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import ROOT

SCRIPT = Path(__file__).with_name("rehearsal.py")
PRINTED = ["logging", "warnings", "print", "stderr", "C", "a child", "its errors"]


@pytest.fixture
def start(emulator, tmp_path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts the rehearsal at the emulator, as a shell does."""
    started = []

    def run(**environment: str) -> subprocess.Popen[bytes]:
        device = emulator.device
        env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "TERM": "xterm-256color", **environment}
        command = [sys.executable, str(SCRIPT), str(tmp_path)]
        process = subprocess.Popen(command, stdin=device, stdout=device, stderr=device, env=env, start_new_session=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()


def test_ctrl_c_leaves_the_display_heals_and_says_what_there_is(start, emulator, tmp_path):
    process = start()
    emulator.until(lambda: "broken   network.latency on inventory" in emulator.text)
    assert emulator.screen.alternate
    assert "printed  from its errors (logs/flashcrowd.log)" in emulator.text
    emulator.type("\x1a\x03")  # Ctrl-Z would stop whoever has to heal, and does nothing
    emulator.until(lambda: "stopping: healing network.latency on inventory ..." in emulator.text)
    assert not emulator.screen.alternate
    emulator.type("\x03")
    emulator.until(lambda: "still healing" in emulator.text)
    assert process.poll() is None
    (tmp_path / "heal").touch()
    emulator.until(lambda: "the last screen" in emulator.text)
    assert process.wait(30) == 0
    (log,) = tmp_path.glob("runs/*/logs/flashcrowd.log")
    text = re.sub(r"\n(?!stopping|load|saved|the last)", "", "\n".join(emulator.rows).replace(str(log), "LOG"))
    assert [re.sub(r"\(\d+\.\d s\)", "(0.2 s)", line) for line in text.splitlines() if "meanwhile" not in line] == [
        "stopping: healing network.latency on inventory ... still healing, it takes a few seconds ... "
        "healed, checked (0.2 s)",
        "load: ended; collecting ledger, metrics and history",
        "saved what there is: runs/made-up/report.html (interrupted at 00:03 of 02:00)",
        "the last screen",
    ]
    printed = log.read_text()
    assert all(f"from {who}\n" in printed for who in PRINTED), printed
    assert "stopping" not in printed
