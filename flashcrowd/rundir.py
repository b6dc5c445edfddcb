"""Run directory: all evidence of one run. Judging and reporting read it and nothing else, at any later time.

manifest.json    plan, target, versions, limits, seed        written once, before the first packet
events.jsonl     append-only: time, source, kind, data       one line an event, flushed as it happens
load/  metrics/  runbooks/  logs/                            what each part leaves behind
seal.json        what of that there was, when all had been   written last (`seal.py`); without it the run broke off
verdict.json  report.*                                       made from the above, and again at will

No secret that this process knows of is written there (`masking.py`).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flashcrowd.errors import InputError, NeedError
from flashcrowd.masking import of_process as masking

FOLDERS = ("load", "metrics", "runbooks", "logs")

FORMAT = 2
"""Of the run directories that are made here, as their manifest says. Those without one are of format 1, and are read
as well; docs/run-directory.md tells them apart."""


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    time: unix seconds. source: the part that saw it (`load`, `fault`, `alert`, `runbook`, `sale`, `conductor`...).
    kind: what it was, stable across versions. data: JSON values.
    """

    time: float
    source: str
    kind: str
    data: dict[str, Any]


class RunDirectory:
    """A folder with the evidence of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listeners: list[Callable[[Event], None]] = []

    @classmethod
    def create(cls, base: Path, name: str) -> RunDirectory:
        """A new folder `base/2026-11-23T10-02-11Z-name`; a number is added when there is one already.

        Raises:
            NeedError: the folder can't be made or written to.
        """
        path = new_folder(base, name)
        for folder in FOLDERS:
            (path / folder).mkdir()
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """An existing run directory. Raises InputError when it isn't one."""
        if not (path / "manifest.json").is_file():
            raise InputError(f"{path} is not a run directory: it has no manifest.json")
        return cls(path)

    @property
    def name(self) -> str:
        return self.path.name or self.path.resolve().name

    def record(self, source: str, kind: str, at: float | None = None, **data: Any) -> Event:
        """Append an event, now or at the given unix time, and tell the listeners.

        Raises:
            NeedError: it can't be written.
        """
        data = masking().within(data)
        event = Event(time.time() if at is None else at, source, kind, data)
        line = json.dumps(
            {"time": round(event.time, 3), "source": source, "kind": kind, "data": data}, ensure_ascii=False
        )
        path = self.path / "events.jsonl"
        with _writing(path), path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        for listener in self._listeners:
            listener(event)
        return event

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call the listener with every event recorded through this object from now on."""
        self._listeners.append(listener)

    def events(self, source: str | None = None, kind: str | None = None) -> list[Event]:
        """The recorded events in order of time; a last line cut off by a crash is left out."""
        found = filter(None, map(_event, _lines(self.path / "events.jsonl")))
        mine = (one for one in found if source in (None, one.source) and kind in (None, one.kind))
        return sorted(mine, key=lambda event: event.time)

    def write_json(self, name: str, value: object) -> Path:
        """Write a JSON file whole or not at all."""
        return self.write_text(name, json.dumps(masking().within(value), indent=2, ensure_ascii=False) + "\n")

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file whole or not at all: to a temporary name, to disk, then renamed. Raises NeedError."""
        path = self.path / name
        with _writing(path):
            write_atomically(path, masking().values(text))
        return path

    def read_json(self, name: str) -> Any:
        """A JSON file of the directory. Raises InputError when it isn't there or isn't JSON."""
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{self.path / name} is missing: the run ended before it was written") from None
        except ValueError as error:
            raise InputError(f"{self.path / name} is damaged: {error}") from None
        except OSError as error:
            raise InputError(f"{self.path / name} can't be read: {error.strerror}") from None

    def manifest(self) -> dict[str, Any]:
        """`manifest.json`. Raises InputError when it is missing, damaged, or of a later format than is known here."""
        manifest = self.read_json("manifest.json")
        if not isinstance(manifest, dict):
            raise InputError(f"{self.path / 'manifest.json'} is damaged: it is no JSON object")
        if (found := format_of(manifest)) > FORMAT:
            versions = manifest.get("versions")
            made_by = versions.get("flashcrowd") if isinstance(versions, dict) else None
            raise InputError(
                f"{self.path} is of format {found:g}, and this flashcrowd reads formats up to {FORMAT}; "
                f"use flashcrowd {made_by or 'in a later version'}"
            )
        return manifest

    def told(self, error: Exception) -> str:
        """An error's message for a verdict, which says the same wherever the directory is read from."""
        return str(error).replace(f"{self.path}{os.sep}", "")


def format_of(manifest: Mapping[str, Any]) -> float:
    """The format of a run directory, by its manifest; one that is no number is later than any."""
    found = manifest.get("format", 1)
    return found if isinstance(found, int) else float("inf")


def new_folder(base: Path, name: str) -> Path:
    """A folder `base/2026-11-23T10-02-11Z-name` that there wasn't; a number is added when there is one already.

    Raises:
        NeedError: it can't be made.
    """
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "run"
    for number in range(1, 1000):
        path = base / (f"{stamp}-{slug}" if number == 1 else f"{stamp}-{slug}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise NeedError(f"{path} can't be made: {error.strerror}; choose another folder with --out") from None
        return path
    raise NeedError(f"{base} holds a thousand runs of this second; choose another folder with --out")


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content so that a reader, or a crash, sees the old or the new one, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NeedError(f"{path} can't be written: {error.strerror}; make room, or choose another --out") from None


def _event(line: str) -> Event | None:
    """A line's event; None when a crash cut it off, or it is something else."""
    try:
        row = json.loads(line)
        event = Event(float(row["time"]), row["source"], row["kind"], row["data"])
    except (ValueError, TypeError, KeyError):
        return None
    whole = isinstance(event.source, str) and isinstance(event.kind, str) and isinstance(event.data, dict)
    return event if whole and math.isfinite(event.time) else None


def _lines(path: Path) -> list[str]:
    """The lines of a file whose end may be missing, in the middle of a character too."""
    return path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
