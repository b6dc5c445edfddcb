"""Sloth: reads SLO files of its `prometheus/v1` dialect, every fault with its line.

The dialect is https://sloth.dev/specs/default/. An SLI plugin is Go code, and nothing that anybody else could ask for;
SLO plugins and intervals say how Sloth writes its rules, and are kept. Our optional `rehearsal` and `composites` don't
disturb Sloth, which passes over fields that it doesn't know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from flashcrowd.documents import Document, Model, Step, did_you_mean
from flashcrowd.errors import DocumentError, Problem
from monitors.dialects.places import Places
from monitors.promql import Unit, fault, unit
from monitors.slo import Composite, CompositeEntry, Entry, Labels, Name, Plugins, Slo

_QUERIES = (("events", "error_query"), ("events", "total_query"), ("raw", "error_ratio_query"))


class SlothFile(Model):
    """One document of a file: a service and its SLOs."""

    version: Literal["prometheus/v1"]
    service: Name
    labels: Labels = {}
    slos: Annotated[list[Entry], Field(min_length=1)]
    slo_plugins: Plugins | None = None
    composites: list[CompositeEntry] = []

    def complete(self) -> list[Slo]:
        """Its SLOs, each with the service and all labels."""
        file = {"service": self.service, "slo_plugins": self.slo_plugins}
        return [
            Slo.model_validate({**dict(entry), **file, "labels": {**self.labels, **entry.labels}})
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
    if document.get("kind") == "PrometheusServiceLevel":
        message = "is Sloth's Kubernetes resource; write its spec as a file of version: prometheus/v1, in snake_case"
        raise DocumentError([document.problem(("kind",), message)])
    for number in range(_length(document, "slos")):
        if document.get(*(path := ("slos", number, "sli", "plugin"))) is not None:
            message = "is an SLI plugin, which only Sloth can run; write the queries that it makes as events or raw"
            raise DocumentError([document.problem(path, message)])
    return document.parse(SlothFile, _check_queries, _check_composites)


def places(document: Document, number: int) -> Places:
    """Where the SLO of this number in the list of a document has its parts."""
    base: tuple[Step, ...] = ("slos", number)
    queries = {key: (document, (*base, "sli", kind, key)) for kind, key in _QUERIES}
    return Places(document, base, queries)


def _check_queries(document: Document) -> Iterator[Problem]:
    for number in range(_length(document, "slos")):
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
    for number in range(_length(document, "composites")):
        for key, rest in (("of", ("slo",)), ("all", ())):
            for index in range(_length(document, "composites", number, key)):
                yield ("composites", number, key, index, *rest)


def _length(document: Document, *path: Step) -> int:
    found = document.get(*path)
    return len(found) if isinstance(found, list) else 0
