"""Gate run: `slo check` as it is typed, from texts to a table and files."""

from __future__ import annotations

import contextlib
import json as json_text
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flashcrowd.errors import ExitCode, InputError, NeedError
from flashcrowd.rundir import write_atomically
from flashcrowd.units import parse_duration
from monitors import clock, gate_report, slo_files
from monitors.gate import Checked, check, verdict
from monitors.prometheus import Prometheus


@dataclass(frozen=True)
class GateRun:
    """A finished check. window: seconds. at: the end of the window, unix seconds."""

    checked: Sequence[Checked]
    window: float
    at: float

    @property
    def table(self) -> str:
        return gate_report.table(self.checked, self.window)

    @property
    def exit_code(self) -> ExitCode:
        return verdict(self.checked).outcome.exit_code

    def save(self, junit: Path | None, json: Path | None, markdown: Path | None) -> None:
        """Write the files that are asked for, each one that can be. Raises NeedError, naming all that can't."""
        document = gate_report.as_dict(self.checked, self.window, self.at)
        save(
            (junit, gate_report.junit(self.checked, self.window)),
            (json, json_text.dumps(document, indent=2, ensure_ascii=False) + "\n"),
            (markdown, gate_report.markdown(self.checked, self.window)),
        )


async def run(
    paths: Sequence[str], url: str, window: str | None, at: str | None, ours: Callable[[], float] = time.time
) -> GateRun:
    """Read the SLOs and judge them at the Prometheus; ours: our clock, which is compared with its.

    Raises:
        InputError: a wrong file, window or time; NeedError: Prometheus doesn't answer.
    """
    files = slo_files.load(paths)
    if window is None:
        raise InputError("--window: say how far back to look, as 15m; or --budget 30d for what is left of a budget")
    seconds, end = length("--window", window), None if at is None else time_of(at)
    async with Prometheus(url) as prometheus:
        now = await clock.read(prometheus, ours)
        end = now.now if end is None else end
        return GateRun(await check(files.slos, prometheus, seconds, end, files.composites, now), seconds, end)


def length(option: str, text: str) -> float:
    """The seconds that an option wants. Raises InputError where they are none."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None
    if seconds <= 0:
        raise InputError(f"{option}: 0 s hold no events; write 15m, say")
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


def save(*texts: tuple[Path | None, str]) -> None:
    """Write the texts whose file is asked for, each one that can be. Raises NeedError, naming all that can't."""
    failed = [found for path, text in texts if path is not None and (found := _write(path, text)) is not None]
    if failed:
        raise NeedError("\n".join(failed))


def _write(path: Path, text: str) -> str | None:
    """Why a file can't be written; None when it was."""
    try:
        write_atomically(path, text)
    except OSError as error:
        return f"{path} can't be written: {error.strerror}; make its folder, or name another one"
    return None
