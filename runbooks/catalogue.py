"""Catalogue: finds runbooks, the built-in ones and those in folders of one's own, by name, file or alert.

A runbook in one's own folder comes before a built-in one of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError
from runbooks.model import Runbook
from runbooks.parser import read_runbook

LIBRARY = Path(__file__).parent / "library"


def builtin_names() -> list[str]:
    """The names of the built-in runbooks, sorted."""
    return sorted(files())


def find(name_or_path: str, extra_folders: Sequence[Path] = ()) -> Runbook:
    """The runbook of this name, or in this file where a path is given (`./mine.md`).

    Raises:
        InputError: there is none of this name; says which is near.
        DocumentError: its page is wrong, or the file can't be read.
    """
    if name_or_path.endswith(".md") or "/" in name_or_path:
        return read_runbook(Path(name_or_path))
    known = files(extra_folders)
    if name_or_path not in known:
        raise InputError(f"no runbook '{name_or_path}'{did_you_mean(name_or_path, known)}")
    return read_runbook(known[name_or_path])


def for_alert(alert: str, extra_folders: Sequence[Path] = ()) -> Runbook:
    """The runbook that names this alert in its front matter; of several, the first by name.

    Raises:
        InputError: no runbook names it; says which alert is near.
        DocumentError: a page is wrong.
    """
    pages = every(extra_folders)
    for page in pages:
        if alert in page.front.alerts:
            return page
    known = {name for page in pages for name in page.front.alerts}
    raise InputError(f"no runbook is for the alert '{alert}'{did_you_mean(alert, known)}")


def every(extra_folders: Sequence[Path] = ()) -> list[Runbook]:
    """All runbooks, sorted by name. Raises DocumentError when a page is wrong."""
    return [read_runbook(file) for _, file in sorted(files(extra_folders).items())]


def as_dict(runbook: Runbook) -> dict[str, Any]:
    """What a program wants to know of a runbook, as JSON values."""
    steps = [{"step": step.name, "kind": step.kind, "section": step.section.value} for step in runbook]
    front = runbook.front.model_dump(mode="json", exclude_none=True)
    return {"name": runbook.name, "title": runbook.title, "file": str(runbook.file), **front, "steps": steps}


def files(extra_folders: Iterable[Path] = ()) -> dict[str, Path]:
    """Every runbook's file by its name; earlier folders win over later ones, all over the library."""
    folders = [*extra_folders, LIBRARY]
    return {file.stem: file for folder in reversed(folders) for file in folder.glob("*.md")}
