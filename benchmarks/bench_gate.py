"""The gate's time for 50 SLOs at a Prometheus on this machine, beside a plain client that asks one query after another.

python benchmarks/bench_gate.py [SLOS]

Each SLO has a counter of its own with 20 series, scraped every 15 s for an hour; the window is 15 minutes. The plain
client sends the very queries that the gate sends, over one connection that is kept alive, and does nothing with the
answers.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from common import ENV, table

from flashcrowd.process import Supervisor
from monitors import asking, server
from monitors.asking import Asking
from monitors.gate import run as gate_run

ROUNDS = 5
SCRAPE, LENGTH, SERIES = 15, 3600, 10
WINDOW = "15m"

Form = Mapping[str, str]


def write(folder: Path, slos: int) -> Path:
    """Fill a Prometheus' folder with the history; the file of the SLOs."""
    end = int(time.time()) + LENGTH // 2  # so that the window is full however long this takes
    entries, rows = [], []
    for number in range(slos):
        name = f"part{number}"
        rows.append(f"# TYPE {name} counter")
        for instance in range(SERIES):
            for outcome, rate in (("ok", 50), ("error", 0.02)):
                labels = f'outcome="{outcome}",instance="{instance}"'
                rows += [
                    f"{name}_total{{{labels}}} {at * rate:.0f} {end - LENGTH + at}" for at in range(0, LENGTH, SCRAPE)
                ]
        entries.append(
            f"  - name: {name}\n    objective: 99.9\n    sli:\n      events:\n"
            f'        error_query: sum(rate({name}_total{{outcome="error"}}[{{{{.window}}}}]))\n'
            f"        total_query: sum(rate({name}_total[{{{{.window}}}}]))\n"
            f"    alerting: {{name: Burn}}\n"
        )
    (folder / "history.om").write_text("\n".join([*rows, "# EOF"]) + "\n")
    data = ("openmetrics", str(folder / "history.om"), str(folder / "data"))
    subprocess.run(["promtool", "tsdb", "create-blocks-from", *data], check=True, capture_output=True)
    file = folder / "slos.yaml"
    file.write_text("version: prometheus/v1\nservice: bench\nslos:\n" + "".join(entries))
    return file


def timed(what: Callable[[], Any]) -> tuple[float, float]:
    """The median time of a few rounds in seconds, and the CPU time of this process and its ended children."""
    rounds = []
    for _ in range(ROUNDS):
        began, before = time.perf_counter(), sum(os.times()[:4])
        what()
        rounds.append((time.perf_counter() - began, sum(os.times()[:4]) - before))
    return median(took for took, _ in rounds), median(cpu for _, cpu in rounds)


def gate(file: Path, url: str) -> gate_run.GateRun:
    return asyncio.run(gate_run.run([str(file)], url, WINDOW))


def heard(file: Path, url: str) -> list[tuple[str, Form | None]]:
    """What the gate asks."""
    asked: list[tuple[str, Form | None]] = []
    ask = Asking.ask

    async def listen(self: Asking, path: str, form: Form | None = None) -> httpx.Response:
        asked.append((path, form))
        return await ask(self, path, form)

    Asking.ask = listen  # type: ignore[method-assign]
    try:
        gate(file, url)
    finally:
        Asking.ask = ask  # type: ignore[method-assign]
    return asked


def plain(url: str, asked: list[tuple[str, Form | None]]) -> None:
    with httpx.Client(base_url=url, trust_env=False) as client:
        for path, form in asked:
            client.request("POST" if form else "GET", path, data=form).raise_for_status().json()


def command(file: Path, url: str) -> None:
    words = [sys.executable, "-m", "cli", "slo", "check", str(file), "--prometheus", url, "--window", WINDOW]
    ended = subprocess.run(words, env=ENV, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


async def main(slos: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = write(folder, slos)
        async with Supervisor(folder) as supervisor:
            url = await server.start(supervisor, folder, {})
            await asyncio.to_thread(report, file, url, slos)


def report(file: Path, url: str, slos: int) -> None:
    """Measure and print."""
    asked = heard(file, url)
    found = gate(file, url)
    outcomes = sorted({judgement.outcome.value for _, judgement in found.checked})
    sequential, cpu = timed(lambda: plain(url, asked))
    rows: list[tuple[str, float, float, float]] = [("plain client, one query after another", sequential, 1.0, cpu)]
    usual = asking.AT_ONCE
    for at_once in (1, 4, 8, 16, 32):
        asking.AT_ONCE = at_once
        took, cpu = timed(lambda: gate(file, url))
        rows.append(
            (f"gate, {at_once} at once{' (as it is)' if at_once == usual else ''}", took, took / sequential, cpu)
        )
    took, cpu = timed(lambda: command(file, url))
    rows.append(("flashcrowd slo check, the whole process", took, took / sequential, cpu))
    title = f"{slos} SLOs, {len(asked)} queries, {', '.join(outcomes)}; load of the machine {os.getloadavg()[0]:.1f}"
    table(title, ("", "s", "x plain", "CPU s"), rows)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
