"""Backfilled: a real Prometheus that holds made-up series of any time, by promtool."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from flashcrowd.process import Supervisor, free_port
from monitors.prometheus import Prometheus


def write(file: Path, rows: Sequence[str], data: Path) -> None:
    """Put series in OpenMetrics text into the folder of a Prometheus that isn't running."""
    file.write_text("\n".join([*rows, "# EOF"]) + "\n")
    command = [
        "promtool",
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--max-block-duration=720h",
        str(file),
        str(data),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@asynccontextmanager
async def served(folder: Path, data: Path) -> AsyncIterator[str]:
    """A Prometheus that scrapes nothing and forgets nothing; its URL."""
    config, port = folder / "prometheus.yml", free_port()
    config.write_text("{}\n")
    async with Supervisor(folder) as supervisor:
        child = supervisor.spawn(
            "prometheus",
            [
                shutil.which("prometheus") or "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--storage.tsdb.retention.time=50y",
                "--log.level=warn",
            ],
        )
        async with Prometheus(url := f"http://127.0.0.1:{port}") as prometheus:
            await child.ready(prometheus.ready)
        yield url
