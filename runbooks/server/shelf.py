"""Shelf: finds the runbook for an alert, by annotation or by the alert's name; no file outside is read, no URL fetched.

1. The annotation `runbook`: a runbook's name, or a file inside the allowed folder. Where it leads to none, the alert
   has none.
2. The annotation `runbook_url`: its last part, where that is the name of one of our runbooks.
3. A runbook whose front matter names the alert.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flashcrowd.errors import DocumentError, InputError
from runbooks import catalogue
from runbooks.model import Runbook
from runbooks.parser import read_runbook
from runbooks.server.message import Alert

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Shelf:
    """The built-in runbooks, and those of a folder of one's own, which come first. A page that changed is read anew."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._read = dict[Path, tuple[int, Runbook | DocumentError]]()

    def find(self, alert: Alert) -> Runbook:
        """The runbook for an alert.

        Raises:
            InputError: there is none. DocumentError: its page is wrong.
        """
        files = self.files()
        if named := alert.annotations.get("runbook"):
            return self._page(self._named(named, files))
        if (name := _last_part(alert.annotations.get("runbook_url", ""))) in files:
            return self._page(files[name])
        for file in files.values():
            page = self._look(file)
            if isinstance(page, Runbook) and alert.name in page.front.alerts:
                return page
        raise InputError(f"no runbook is for the alert {alert.name!r}")

    def files(self) -> dict[str, Path]:
        """Every runbook's file by name, those of one's own folder first."""
        found = catalogue.files([self._folder] if self._folder is not None else [])
        return dict(sorted(found.items(), key=lambda pair: (pair[1].parent != self._folder, pair[0])))

    def broken(self) -> list[DocumentError]:
        """What is wrong with pages that can't be read."""
        return [page for page in map(self._look, self.files().values()) if isinstance(page, DocumentError)]

    def _named(self, named: str, files: dict[str, Path]) -> Path:
        """The file that an annotation means. Names of files are looked up among those that there are."""
        if named in files:
            return files[named]
        inside = {file.resolve(): file for file in files.values() if file.parent == self._folder}
        try:
            meant = (self._folder / named).resolve() if self._folder is not None and len(named) < 1000 else None
        except (OSError, ValueError):
            meant = None
        if meant is None or meant not in inside:
            raise InputError(f"the annotation runbook names {named[:100]!r}, and there is no such runbook here")
        return inside[meant]

    def _page(self, file: Path) -> Runbook:
        page = self._look(file)
        if isinstance(page, DocumentError):
            raise page
        return page

    def _look(self, file: Path) -> Runbook | DocumentError:
        try:
            changed = file.stat().st_mtime_ns
        except OSError:
            changed = 0
        known = self._read.get(file)
        if known is None or known[0] != changed:
            try:
                known = (changed, read_runbook(file))
            except DocumentError as error:
                known = (changed, error)
            self._read[file] = known
        return known[1]


def _last_part(url: str) -> str:
    """The name in `https://wiki.example/runbooks/order-latency.md#impact`."""
    try:
        part = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    except ValueError:
        return ""
    name = part.removesuffix(".md")
    return name if _NAME.fullmatch(name) else ""
