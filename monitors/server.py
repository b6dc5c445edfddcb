"""Server: a real Prometheus as a child of ours, on a free port of loopback, its data in a folder of the run."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from flashcrowd.errors import InputError, NeedError
from flashcrowd.process import Supervisor, free_port
from flashcrowd.units import format_duration
from monitors.prometheus import Prometheus

HOST = "127.0.0.1"
EVALUATION = 1.0
"""Seconds between evaluations of the rules: a page can't be quicker than that."""

MISSING = (
    "prometheus not found on PATH. It judges the SLOs, so a game day can't do without it.\n"
    "  Debian, Ubuntu:  apt install prometheus        macOS:  brew install prometheus"
)


def locate() -> Path:
    """The Prometheus on PATH. Raises NeedError, with how to install it, when there is none."""
    found = shutil.which("prometheus")
    if found is None:
        raise NeedError(MISSING)
    return Path(found)


async def start(
    supervisor: Supervisor,
    directory: Path,
    scrape: Mapping[str, Sequence[str]],
    rule_files: Sequence[Path] = (),
    interval: float = 1.0,
    alertmanager: str | None = None,
    flags: Sequence[str] = (),
) -> str:
    """Start it and wait until it serves queries; its URL. The supervisor ends it.

    directory: made where it doesn't exist; has the configuration and the blocks. scrape: `host:port` of each job's
    processes; they may come later. interval: seconds between scrapes. The first scrape comes up to 5 s after the
    start (Prometheus throttles its discovery by a constant): poll `up` where that matters. alertmanager: URL of the one
    that gets its alerts, from about that time on: poll `alertmanagers`. flags: more of Prometheus' own.

    Raises:
        NeedError: not installed, or not ready; shows the end of its log.
        InputError: promtool's complaint about the configuration or a rule file, where promtool is installed.
    """
    program = locate()
    config = _write(directory, configuration(scrape, rule_files, interval, alertmanager))
    await _check(config)
    port = free_port(HOST)
    url = f"http://{HOST}:{port}"
    child = supervisor.spawn(
        "prometheus",
        [
            str(program),
            f"--config.file={config}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={HOST}:{port}",
            f"--web.external-url={url}",
            f"--rules.alert.resend-delay={format_duration(EVALUATION)}",
            "--log.level=warn",
            *flags,
        ],
    )
    async with Prometheus(url) as prometheus:
        await child.ready(prometheus.ready)
    return url


def configuration(
    scrape: Mapping[str, Sequence[str]], rule_files: Sequence[Path], interval: float, alertmanager: str | None = None
) -> str:
    """The YAML of a `prometheus.yml`."""
    every = format_duration(interval)
    sent_to = [{"static_configs": [{"targets": [urlsplit(alertmanager).netloc]}]}] if alertmanager is not None else []
    jobs = [
        {"job_name": job, "static_configs": [{"targets": list(addresses)}]} for job, addresses in sorted(scrape.items())
    ]
    text = io.StringIO()
    YAML().dump(
        {
            "global": {
                "scrape_interval": every,
                "scrape_timeout": every,
                "evaluation_interval": format_duration(EVALUATION),
            },
            "rule_files": [str(file.resolve()) for file in rule_files],
            "alerting": {"alertmanagers": sent_to},
            "scrape_configs": jobs,
        },
        text,
    )
    return text.getvalue()


def _write(directory: Path, text: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "prometheus.yml"
    config.write_text(text, encoding="utf-8")
    return config


async def _check(config: Path) -> None:
    """Let promtool, where it is installed, say what is wrong; it does so more clearly than the server's log."""
    promtool = shutil.which("promtool")
    if promtool is None:
        return
    process = await asyncio.create_subprocess_exec(
        promtool, "check", "config", str(config), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, complaint = await process.communicate()
    if process.returncode:
        raise InputError(f"prometheus refuses {config}:\n{complaint.decode(errors='replace').strip()}")
