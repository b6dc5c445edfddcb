"""Seal: the list of a run's evidence, written once all of it is there, so that what is lost later is noticed.

    {"files": {"events.jsonl": {"bytes": 46432, "sha256": "9f86…"}, "load/stats.json": {…}, …}}

A run that was broken off has none. Of events and audits, to which lines may still be added, it says how they began.
Logs are no evidence, and verdict and reports are made from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory, format_of

FILE = "seal.json"
SINCE = 2
"""The format of run directories from which on a run ends with a seal."""

EVENTS = "events.jsonl"
ALONE = ("manifest.json", EVENTS, "controls.json")
FOLDERS = ("load", "metrics", "runbooks")
PIECE = 2**20

Print = dict[str, int | str]
"""Of a file: how many `bytes` it had, and their `sha256`."""


def seal(run: RunDirectory) -> None:
    """Write `seal.json` for what there is now. Raises NeedError when that can't be done."""
    _write(run, {path.relative_to(run.path).as_posix(): _whole(path) for path in _evidence(run.path)})


def renew(run: RunDirectory, name: str) -> None:
    """Seal one file anew, which was made again from the others; a run without a seal stays so. Raises NeedError."""
    if is_sealed(run) and (files := _files(run)) is not None:
        _write(run, {**files, name: _whole(run.path / name)})


def is_sealed(run: RunDirectory) -> bool:
    """Whether there is a seal: the run came to the point at which all of its evidence had been collected."""
    return (run.path / FILE).is_file()


def broke_off(run: RunDirectory) -> bool:
    """Whether it should have a seal and has none; runs of the first format never had one."""
    return not is_sealed(run) and format_of(run.manifest()) >= SINCE


def lacking(run: RunDirectory, damaged: Sequence[str]) -> str | None:
    """What is wrong with the evidence of a run, `damaged` as of `damage`; None when it is whole."""
    if broke_off(run):
        return "the run broke off before all of its evidence was there"
    return f"evidence is not as the run left it: {', '.join(damaged)}" if damaged else None


def damage(run: RunDirectory) -> list[str]:
    """What is no longer as it was sealed, a few words each; nothing for a run without a seal."""
    if not is_sealed(run):
        return []
    if (files := _files(run)) is None:
        return [f"{FILE} is damaged"]
    found = ((name, _damage(run.path / name, row, _grows(name))) for name, row in sorted(files.items()))
    return [f"{name} {what}" for name, what in found if what is not None]


def _write(run: RunDirectory, files: Mapping[str, Print]) -> None:
    run.write_json(FILE, {"files": files})


def _files(run: RunDirectory) -> dict[str, Print] | None:
    """What was sealed; None when that can't be read."""
    try:
        told = run.read_json(FILE)["files"]
        return {str(name): {"bytes": int(row["bytes"]), "sha256": str(row["sha256"])} for name, row in told.items()}
    except (InputError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _grows(name: str) -> bool:
    """Whether lines may be added later: a mitigation may still be taken back by hand."""
    return name == EVENTS or (name.startswith("runbooks/") and name.endswith(".jsonl"))


def _damage(path: Path, sealed: Print, grows: bool) -> str | None:
    size = int(sealed["bytes"])
    try:
        now = path.stat().st_size
        if now < size or (now > size and not grows):
            return f"has {now:,} bytes instead of {size:,}"
        return None if _print(path, size) == sealed else "was changed"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"can't be read: {error.strerror}"


def _evidence(base: Path) -> Iterator[Path]:
    """The files that tell of a run; not the temporary ones of a write that goes on."""
    yield from (path for name in ALONE if (path := base / name).is_file())
    for folder in FOLDERS:
        found = sorted((base / folder).rglob("*"))
        yield from (path for path in found if path.is_file() and path.name[0] != "." and path.suffix != ".part")


def _whole(path: Path) -> Print:
    return _print(path, path.stat().st_size)


def _print(path: Path, size: int) -> Print:
    """The first `size` bytes of a file, in one line."""
    digest, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left and (piece := file.read(min(left, PIECE))):
            digest.update(piece)
            left -= len(piece)
    return {"bytes": size, "sha256": digest.hexdigest()}
