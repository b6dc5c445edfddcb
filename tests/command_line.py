"""The command line as people run it: real processes, all marked, so that a test can see whether one is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
PLANS = ROOT / "tests" / "endtoend" / "plans"
MARK = "FLASHCROWD_TEST_MARK"


def wait_until(condition: Callable[[], object], what: str, timeout: float = 60.0) -> None:
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, f"{what} did not come within {timeout:g} s"
        time.sleep(0.05)


@dataclass
class CommandLine:
    """`flashcrowd` with a state folder and a mark of its own."""

    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        state = str(self.folder / "state")
        return {**os.environ, MARK: self.mark, "FLASHCROWD_STATE": state, "PYTHONPATH": str(ROOT), **self.settings}

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *map(str, words)],
            env=self.env,
            cwd=self.folder,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *words: str | Path, timeout: float = 150.0) -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def run_directory(self) -> Path:
        """The only run directory there is."""
        (path,) = [path for path in self.runs.iterdir() if path.is_dir()]
        return path

    def processes(self) -> list[psutil.Process]:
        """What was started by us, or by what we started, and still lives."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def open_faults(self) -> list[Path]:
        """Undo records that are not closed."""
        return list((self.folder / "state").rglob("*.json"))

    def clean_up(self) -> None:
        for process in self.processes():
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
