"""SLO files: the SLOs of files, folders and built-in names, whichever dialect each document is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flashcrowd.documents import Document, documents
from flashcrowd.errors import DocumentError, InputError, Problem
from monitors import library
from monitors.dialects import sloth
from monitors.dialects.openslo_reader import Reader
from monitors.dialects.places import Places
from monitors.lint import slos as slo_lint
from monitors.slo import Composite, Slo


@dataclass(frozen=True)
class SloFiles:
    """What files hold. warnings: what is doubtful in them, each with its place. lost: what our model has no place for.
    places: of each SLO and composite, by its id."""

    slos: tuple[Slo, ...]
    composites: tuple[Composite, ...] = ()
    warnings: tuple[Problem, ...] = ()
    lost: tuple[Problem, ...] = ()
    places: Mapping[str, Places] = field(default_factory=dict, compare=False)


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
    reading = _Reading()
    for file in files:
        try:
            for document in documents(file):
                for one in _objects(document):
                    reading.add(one)
        except DocumentError as error:
            reading.problems += error.problems
    return reading.end()


@dataclass
class _Reading:
    """Files that are being read: Sloth's documents stand alone, OpenSLO's refer to one another."""

    slos: list[Slo] = field(default_factory=list)
    composites: list[Composite] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    places: dict[str, Places] = field(default_factory=dict)
    open: Reader = field(default_factory=Reader)

    def add(self, document: Document) -> None:
        """Read a document; its faults are kept."""
        try:
            if str(document.get("apiVersion", default="")).startswith("openslo/"):
                self.open.add(document)
                return
            parsed = sloth.parse(document)
        except DocumentError as error:
            self.problems += error.problems
            return
        for number, slo in enumerate(parsed.complete()):
            self._keep(slo, sloth.places(document, number))
        for number, composite in enumerate(parsed.complete_composites()):
            self._keep(composite, Places(document, ("composites", number)))

    def end(self) -> SloFiles:
        """What was read. Raises DocumentError with every fault."""
        try:
            for slo, places in self.open.slos():
                self._keep(slo, places)
        except DocumentError as error:
            self.problems += error.problems
        if self.problems:
            raise DocumentError(self.problems)
        warnings = sorted([*self.open.warnings, *slo_lint.findings(self.slos, self.places)])
        return SloFiles(
            tuple(self.slos), tuple(self.composites), tuple(warnings), tuple(sorted(self.open.lost)), self.places
        )

    def _keep(self, one: Slo | Composite, places: Places) -> None:
        if (before := self.places.get(one.id)) is not None:
            message = f"'{one.id}' is already in {before.document.file}; names of a service differ"
            self.problems.append(places.problem("name", message))
            return
        self.places[one.id] = places
        if isinstance(one, Slo):
            self.slos.append(one)
        else:
            self.composites.append(one)


def _objects(document: Document) -> list[Document]:
    """The objects of a document: OpenSLO's may stand in a list."""
    if not isinstance(document.data, list):
        return [document]
    return [Document(document.file, one, document.line((number,))) for number, one in enumerate(document.data)]


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
