"""Sloth: reads SLO files of its `prometheus/v1` dialect, every fault with its line.

The dialect is https://sloth.dev/specs/default/. Sloth's SLI and SLO plugins are Go code and are not read. Our
optional `rehearsal` block doesn't disturb Sloth, which passes over fields that it doesn't know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from flashcrowd.documents import Document, Model, Step, did_you_mean
from flashcrowd.errors import Problem
from monitors.promql import Unit, fault, unit
from monitors.slo import Composite, CompositeEntry, Entry, Labels, Name, Slo

_QUERIES = (("events", "error_query"), ("events", "total_query"), ("raw", "error_ratio_query"))


class SlothFile(Model):
    """One document of a file: a service and its SLOs."""

    version: Literal["prometheus/v1"]
    service: Name
    labels: Labels = {}
    slos: Annotated[list[Entry], Field(min_length=1)]
    composites: list[CompositeEntry] = []

    def complete(self) -> list[Slo]:
        """Its SLOs, each with the service and all labels."""
        return [
            Slo.model_validate({**dict(entry), "service": self.service, "labels": {**self.labels, **entry.labels}})
            for entry in self.slos
        ]

    def complete_composites(self) -> list[Composite]:
        """Its composites, each with the service and the ids of its parts."""
        return [self._complete(entry) for entry in self.composites]

    def _complete(self, entry: CompositeEntry) -> Composite:
        ids = {
            "of": entry.of and [{"slo": f"{self.service}-{part.slo}", "weight": part.weight} for part in entry.of],
            "all": entry.all and [f"{self.service}-{name}" for name in entry.all],
        }
        return Composite.model_validate({**dict(entry), **ids, "service": self.service})


def parse(document: Document) -> SlothFile:
    """A document of this dialect. Raises DocumentError with all its faults."""
    return document.parse(SlothFile, _check_queries, _check_composites)


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


def _check_composites(document: Document) -> Iterator[Problem]:
    entries = document.get("slos")
    names = (
        {str(entry.get("name")) for entry in entries if isinstance(entry, dict)} if isinstance(entries, list) else ()
    )
    for path in _references(document):
        name = document.get(*path)
        if isinstance(name, str) and name not in names:
            yield document.problem(path, f"there is no SLO '{name}' in this file{did_you_mean(name, names)}")


def _references(document: Document) -> Iterator[tuple[Step, ...]]:
    composites = document.get("composites")
    for number in range(len(composites) if isinstance(composites, list) else 0):
        for key, rest in (("of", ("slo",)), ("all", ())):
            parts = document.get("composites", number, key)
            for index in range(len(parts) if isinstance(parts, list) else 0):
                yield ("composites", number, key, index, *rest)
