"""A standing storefront as people start it, a load that tries every invariant on it, and a kill in its rush."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from command_line import PLANS, CommandLine, wait_until
from ruamel.yaml import YAML

SKU, STOCK = "lipstick-01", 60
LOAD = (
    *("load", "run", PLANS / "everything.py", "--viewers", "150", "--over", "2s", "--duration", "13s"),
    *("--workers", "1"),
    *("--sale", f"{SKU}:{STOCK}@3s", "--limit", "1", "--draw", "5@4s", "--draw-closes-after", "5s"),
)


@dataclass(frozen=True)
class Storefront:
    """One that is up; `target` is its file."""

    command_line: CommandLine
    target: Path

    @property
    def spec(self) -> dict[str, Any]:
        found: dict[str, Any] = YAML(typ="safe").load(self.target.read_text())["spec"]
        return found

    def inventory(self) -> psutil.Process:
        return psutil.Process(int(Path(self.spec["components"]["inventory"]["process"]["pidfile"]).read_text()))

    def sold(self) -> int:
        """Units of the sale that have gone so far."""
        try:
            rows = httpx.get(self.spec["shop"]["url"] + "/admin/stock", trust_env=False).json()
        except (httpx.HTTPError, ValueError):
            return 0
        return sum(row["sold"] for row in rows if row["sku"] == SKU)

    def invariants(self, process: subprocess.Popen[str]) -> dict[str, dict[str, Any]]:
        """What a load that runs says of them in the end, by their names."""
        out, err = process.communicate(timeout=120)
        (run,) = self.command_line.runs.iterdir()
        assert (run / "verdict.json").is_file(), out + err
        rows = json.loads((run / "verdict.json").read_text())["findings"]
        return {row["name"].removeprefix("invariant/"): row for row in rows if row["name"].startswith("invariant/")}

    def load(self) -> subprocess.Popen[str]:
        return self.command_line.start(*LOAD, "--target", self.target, "--out", self.command_line.runs)


@contextmanager
def storefront(command_line: CommandLine, *words: str) -> Iterator[Storefront]:
    """Up until the end of the block."""
    process = command_line.start("up", "--out", command_line.folder / "up", *words)
    target = command_line.folder / "up" / "target.yaml"
    wait_until(lambda: target.exists() or process.poll() is not None, "the storefront")
    assert process.poll() is None, process.communicate()
    try:
        yield Storefront(command_line, target)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@contextmanager
def killed_and_started_again(process: psutil.Process) -> Iterator[None]:
    """Kill a process without a warning, and start it anew as it was; that one ends with the block."""
    command, environment, folder = process.cmdline(), process.environ(), process.cwd()
    process.kill()
    wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the kill")
    again = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        again.terminate()
        again.wait(timeout=30)
