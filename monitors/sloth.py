"""Sloth: reads SLO files of its `prometheus/v1` dialect, every fault with its line.

The dialect is https://sloth.dev/specs/default/. Sloth's SLI and SLO plugins are Go code and are not read. Our
optional `rehearsal` block doesn't disturb Sloth, which passes over fields that it doesn't know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from flashcrowd.documents import Document, Model, Step, documents
from flashcrowd.errors import DocumentError, InputError, Problem
from monitors import library
from monitors.promql import Unit, fault, unit
from monitors.slo import Entry, Labels, Name, Slo

_QUERIES = (("events", "error_query"), ("events", "total_query"), ("raw", "error_ratio_query"))


class SlothFile(Model):
    """One document of a file: a service and its SLOs."""

    version: Literal["prometheus/v1"]
    service: Name
    labels: Labels = {}
    slos: Annotated[list[Entry], Field(min_length=1)]

    def complete(self) -> list[Slo]:
        """Its SLOs, each with the service and all labels."""
        return [
            Slo.model_validate({**dict(entry), "service": self.service, "labels": {**self.labels, **entry.labels}})
            for entry in self.slos
        ]


def read(path: Path) -> list[Slo]:
    """The SLOs of a file, or of all `.yaml` and `.yml` files below a folder.

    Raises:
        DocumentError: with every fault of every file.
        InputError: a folder without such files.
    """
    return _read_all(_files(path))


def find_all(names_or_paths: Sequence[str]) -> list[Slo]:
    """As `find` for each, a file that is named twice read once.

    Raises:
        InputError, DocumentError: as `find`; two files with an SLO of the same service and name are wrong, too.
    """
    files = [file for name in names_or_paths for file in _files(library.find("slos", name))]
    return _read_all(list({file.resolve(): file for file in files}.values()))


def builtin_names() -> list[str]:
    """The SLO files that come with the package."""
    return library.names("slos")


def builtin(name: str) -> list[Slo]:
    """The SLOs of a file that comes with the package. Raises InputError when there is none of this name."""
    return read(library.find("slos", name))


def find(name_or_path: str, base: Path = Path()) -> list[Slo]:
    """What an entry of a plan's `slos:` means: a built-in file by name, or a path seen from `base`.

    Raises:
        InputError: neither is there, with the nearest name; DocumentError as `read`.
    """
    return read(library.find("slos", name_or_path, base))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for suffix in ("*.yaml", "*.yml") for file in path.rglob(suffix))
    if not files:
        raise InputError(f"{path} holds no .yaml file; give a folder with Sloth files, or a file")
    return files


def _read_all(files: list[Path]) -> list[Slo]:
    slos: list[Slo] = []
    problems: list[Problem] = []
    places: dict[str, Path] = {}
    for file in files:
        try:
            for document in documents(file):
                found = document.parse(SlothFile, _check_queries).complete()
                problems += _repeated(document, found, places)
                slos += found
        except DocumentError as error:
            problems += error.problems
    if problems:
        raise DocumentError(problems)
    return slos


def _repeated(document: Document, slos: list[Slo], places: dict[str, Path]) -> Iterator[Problem]:
    for number, slo in enumerate(slos):
        if slo.id in places:
            yield document.problem(
                ("slos", number, "name"), f"'{slo.id}' is already in {places[slo.id]}; names of a service differ"
            )
        places.setdefault(slo.id, document.file)


def _check_queries(document: Document) -> Iterator[Problem]:
    entries = document.get("slos")
    for number in range(len(entries) if isinstance(entries, list) else 0):
        yield from _check_sli(document, ("slos", number, "sli"))


def _check_sli(document: Document, path: tuple[Step, ...]) -> Iterator[Problem]:
    sound: dict[str, str] = {}
    for step in _QUERIES:
        query = document.get(*path, *step)
        if not isinstance(query, str):
            continue
        if (message := fault(query)) is not None:
            yield document.problem((*path, *step), message)
        else:
            sound[step[1]] = query
    if "error_query" in sound and "total_query" in sound:
        units = {unit(sound["error_query"]), unit(sound["total_query"])}
        if len(units) > 1 or Unit.MIXED in units:
            message = "one counts events, the other events per second; use rate in both, or increase in both"
            yield document.problem((*path, "events"), message)
