"""Library: the YAML files that come with the package, found by name; or a file of the user's own, by path."""

from __future__ import annotations

from pathlib import Path

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError

HERE = Path(__file__).parent


def names(kind: str) -> list[str]:
    """The names of the built-in files of a kind, which is their folder: `slos`, `windows`."""
    return sorted(file.stem for file in (HERE / kind).glob("*.yaml"))


def find(kind: str, name_or_path: str, base: Path = Path()) -> Path:
    """The built-in file of this name, else the file or folder at this path, seen from `base`.

    Raises:
        InputError: neither is there; names the nearest built-in one.
    """
    if name_or_path in names(kind):
        return HERE / kind / f"{name_or_path}.yaml"
    path = base / name_or_path
    if path.exists():
        return path
    raise InputError(f"no {kind} '{name_or_path}' built in, and no such path{did_you_mean(name_or_path, names(kind))}")
