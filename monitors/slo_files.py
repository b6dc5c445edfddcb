"""SLO files: the SLOs of files, folders and built-in names, whichever dialect each document is in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flashcrowd.documents import Document, documents
from flashcrowd.errors import DocumentError, InputError, Problem
from monitors import library, sloth
from monitors.slo import Composite, Slo


@dataclass(frozen=True)
class SloFiles:
    """What files hold. warnings: what is doubtful in them, each with its place."""

    slos: tuple[Slo, ...]
    composites: tuple[Composite, ...] = ()
    warnings: tuple[Problem, ...] = ()


def load(names_or_paths: Sequence[str], base: Path = Path()) -> SloFiles:
    """All that built-in files, files and folders hold, seen from `base`; a file that is named twice is read once.

    Raises:
        InputError: one isn't there, with the nearest name; a folder without YAML files.
        DocumentError: with every fault of every file.
    """
    files = [file for name in names_or_paths for file in _files(library.find("slos", name, base))]
    return read(list({file.resolve(): file for file in files}.values()))


def read(files: Sequence[Path]) -> SloFiles:
    """All that these files hold. Raises DocumentError with every fault of every file."""
    slos: list[Slo] = []
    composites: list[Composite] = []
    problems: list[Problem] = []
    places: dict[str, Path] = {}
    for file in files:
        try:
            for document in documents(file):
                parsed = sloth.parse(document)
                found, more = parsed.complete(), parsed.complete_composites()
                problems += _repeated(document, "slos", found, places)
                problems += _repeated(document, "composites", more, places)
                slos, composites = slos + found, composites + more
        except DocumentError as error:
            problems += error.problems
    if problems:
        raise DocumentError(problems)
    return SloFiles(tuple(slos), tuple(composites))


def builtin_names() -> list[str]:
    """The SLO files that come with the package."""
    return library.names("slos")


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for suffix in ("*.yaml", "*.yml") for file in path.rglob(suffix))
    if not files:
        raise InputError(f"{path} holds no .yaml file; give a folder with SLO files, or a file")
    return files


def _repeated(
    document: Document, key: str, found: Sequence[Slo | Composite], places: dict[str, Path]
) -> Iterator[Problem]:
    for number, one in enumerate(found):
        if one.id in places:
            yield document.problem(
                (key, number, "name"), f"'{one.id}' is already in {places[one.id]}; names of a service differ"
            )
        places.setdefault(one.id, document.file)
