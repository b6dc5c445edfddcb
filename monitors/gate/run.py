"""Gate run: `slo check` as it is typed, from texts to a table and files."""

from __future__ import annotations

import contextlib
import json as json_text
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from flashcrowd.errors import ExitCode, InputError, NeedError
from flashcrowd.rundir import write_atomically
from flashcrowd.units import parse_duration
from monitors import clock, slo_files
from monitors.access import Access
from monitors.asking import is_loopback
from monitors.gate import baseline as baselines
from monitors.gate import report as gate_report
from monitors.gate.baseline_report import Beside
from monitors.gate.check import Checked, check, verdict
from monitors.prometheus import Prometheus

TIMEOUT = "30s"
"""How long one query may take, its repeats included."""
SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file whose Markdown GitHub shows beside a job; steps add to it."""


@dataclass(frozen=True)
class GateRun:
    """A finished check. window: seconds. at: the end of the window, unix seconds. warnings: what people should know
    of how it came about."""

    checked: Sequence[Checked]
    window: float
    at: float
    beside: Beside | None = None
    warnings: Sequence[str] = ()

    @property
    def table(self) -> str:
        return gate_report.table(self.checked, self.window, beside=self.beside)

    @property
    def exit_code(self) -> ExitCode:
        return verdict(self.checked, self.beside.compared if self.beside else ()).outcome.exit_code

    def save(self, junit: Path | None, json: Path | None, markdown: Path | None) -> None:
        """Write the files that are asked for, as `save`."""
        document = gate_report.as_dict(self.checked, self.window, self.at, self.beside)
        document["warnings"] = list(self.warnings)
        page = gate_report.markdown(self.checked, self.window, self.beside) + quoted(self.warnings)
        save(
            (junit, gate_report.junit(self.checked, self.window, self.beside)),
            (json, json_text.dumps(document, indent=2, ensure_ascii=False) + "\n"),
            (markdown, page),
            page=page,
        )


async def run(
    paths: Sequence[str],
    url: str,
    window: str | None,
    at: str | None = None,
    access: Access | None = None,
    timeout: str = TIMEOUT,
    baseline: Path | None = None,
    ours: Callable[[], float] = time.time,
) -> GateRun:
    """Read the SLOs and judge them at the Prometheus, which is asked and never touched: no target's guard has a say.

    ours: our clock, which is compared with its.

    Raises:
        InputError: a wrong file, window or time; NeedError: Prometheus doesn't answer.
    """
    files, access = slo_files.load(paths), access or Access()
    if window is None:
        raise InputError("--window: say how far back to look, as 15m; or --budget 30d for what is left of a budget")
    before = None if baseline is None else baselines.read(baseline)
    seconds, end = length("--window", window), None if at is None else time_of(at)
    async with Prometheus(url, length("--timeout", timeout), access) as prometheus:
        now = await clock.read(prometheus, ours)
        end = now.now if end is None else end
        checked = await check(files.slos, prometheus, seconds, end, files.composites, now)
        said = [*map(str, files.warnings), *warnings(prometheus, access)]
    beside = None if before is None else Beside(before, baselines.compare(checked, before, end - seconds))
    return GateRun(checked, seconds, end, beside, said)


def warnings(prometheus: Prometheus, access: Access) -> Iterator[str]:
    """What was dangerous about asking, and how hard it was."""
    parts = urlsplit(prometheus.url)
    if access.insecure:
        yield f"WARNING: --insecure: nobody checked that {prometheus.url} is who it says; anybody may have answered"
    if access.has_credentials and parts.scheme == "http" and not is_loopback(parts):
        yield f"WARNING: credentials went to {prometheus.url} without TLS; anybody on the way can read them"
    if prometheus.repeats:
        times = prometheus.repeats.total()
        why = ", ".join(f"{number} × {reason}" for reason, number in prometheus.repeats.most_common(3))
        yield f"prometheus had to be asked again {'once' if times == 1 else f'{times} times'}: {why}"


def length(option: str, text: str) -> float:
    """The seconds that an option wants. Raises InputError where they are none."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None
    if seconds <= 0:
        why = f"give no answer; write {TIMEOUT}" if option == "--timeout" else "hold no events; write 15m"
        raise InputError(f"{option}: 0 s {why}, say")
    return seconds


def time_of(text: str) -> float:
    """The unix time that `--at` names. Raises InputError where it is none."""
    with contextlib.suppress(ValueError):
        if math.isfinite(seconds := float(text)):
            return seconds
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--at: '{text}' is no time; write 2026-11-23T10:00:00Z, or unix seconds") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def quoted(warnings: Sequence[str]) -> str:
    """Warnings below a page of Markdown."""
    return "".join(f"\n> {warning}\n" for warning in warnings)


def save(*texts: tuple[Path | None, str], page: str, environment: Mapping[str, str] = os.environ) -> None:
    """Write the texts whose file is asked for, each one that can be; add the page to GitHub's summary, if there is one.

    Raises:
        NeedError: naming all that can't be written.
    """
    failed = [_written(path, write_atomically, text) for path, text in texts if path is not None]
    if summary := environment.get(SUMMARY):
        failed.append(_written(Path(summary), _append, page + "\n"))
    if any(failed):
        raise NeedError("\n".join(filter(None, failed)))


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _written(path: Path, write: Callable[[Path, str], None], text: str) -> str | None:
    """Why a file can't be written; None when it was."""
    try:
        write(path, text)
    except OSError as error:
        return f"{path} can't be written: {error.strerror}; make its folder, or name another one"
    return None
