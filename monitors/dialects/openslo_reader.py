"""OpenSLO reader: the objects of all files, put together into SLOs; every fault with its line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from pydantic import ValidationError

from flashcrowd.documents import Document, did_you_mean
from flashcrowd.errors import DocumentError, Problem
from monitors.dialects import openslo
from monitors.dialects.openslo_alerts import alerting
from monitors.dialects.openslo_indicators import Lookup, Parts, indicator
from monitors.dialects.openslo_labels import prometheus_labels, rehearsal
from monitors.dialects.places import Path, Places
from monitors.slo import Slo

T = TypeVar("T", bound=openslo.OpenObject)


@dataclass
class Reader:
    """Takes documents in any order, then gives SLOs.

    warnings: what is read otherwise than it is meant. lost: what our model has no place for.
    """

    warnings: list[Problem] = field(default_factory=list)
    lost: list[Problem] = field(default_factory=list)
    _objects: dict[tuple[str, str], tuple[openslo.OpenObject, Document]] = field(default_factory=dict)

    def add(self, document: Document) -> None:
        """Read one object. Raises DocumentError with all its faults."""
        version, kind = document.get("apiVersion"), document.get("kind")
        if version != "openslo/v1":
            raise DocumentError([document.problem(("apiVersion",), f"'{version}' isn't read; openslo/v1 is")])
        if kind not in openslo.MODELS:
            found = f"'{kind}' is no kind of OpenSLO{did_you_mean(str(kind), openslo.MODELS)}"
            raise DocumentError([document.problem(("kind",), found)])
        one = document.parse(openslo.MODELS[kind])
        if (earlier := self._objects.get((kind, one.metadata.name))) is not None and kind != "SLO":
            found = f"there is another {kind} '{one.metadata.name}' in {earlier[1].file}"
            raise DocumentError([document.problem(("metadata", "name"), found)])
        if kind == "SLO":
            self._objects[kind, f"{document.file}:{document.line(())}"] = one, document
        else:
            self._objects[kind, one.metadata.name] = one, document
        if isinstance(one, openslo.DataSource) and one.spec.connection_details is not None:
            told = "isn't used: --prometheus says where to ask"
            self.lost.append(document.problem(("spec", "connectionDetails"), told))
        if isinstance(one, openslo.AlertNotificationTarget):
            self.lost.append(document.problem((), "isn't used: Alertmanager's own configuration says whom to tell"))

    def slos(self) -> Iterator[tuple[Slo, Places]]:
        """All SLOs, an objective each. Raises DocumentError with every fault."""
        problems: list[Problem] = []
        for one, document in list(self._objects.values()):
            if isinstance(one, openslo.SloObject):
                try:
                    yield from self._complete(one, document)
                except DocumentError as error:
                    problems += error.problems
        if problems:
            raise DocumentError(problems)

    def find(self, model: type[T], name: str, document: Document, path: Path) -> tuple[T, Document]:
        """The object that a reference means. Raises DocumentError when it isn't in the files."""
        kind = next(kind for kind, known in openslo.MODELS.items() if known is model)
        found = self._objects.get((kind, name))
        if found is None or not isinstance(found[0], model):
            names = [known for what, known in self._objects if what == kind]
            message = f"there is no {kind} '{name}' in these files{did_you_mean(name, names)}"
            raise DocumentError([document.problem(path, message)])
        return found[0], found[1]

    def data_source(self, name: str) -> openslo.DataSource | None:
        """A data source, if it is in the files."""
        found = self._objects.get(("DataSource", name))
        return found[0] if found is not None and isinstance(found[0], openslo.DataSource) else None

    def _complete(self, one: openslo.SloObject, document: Document) -> Iterator[tuple[Slo, Places]]:
        spec = one.spec
        self._window(spec, document)
        where: tuple[Document, Path]
        if spec.indicator is not None:
            sli, where = spec.indicator.spec, (document, ("spec", "indicator", "spec"))
        else:
            found, there = self.find(openslo.SliObject, str(spec.indicator_ref), document, ("spec", "indicatorRef"))
            sli, where = found.spec, (there, ("spec",))
        several = len(spec.objectives) > 1
        for number, objective in enumerate(spec.objectives):
            path: Path = ("spec", "objectives", number)
            _no_composite(objective, document, path)
            lookup = Lookup(spec, objective, document, path, where, self.data_source, self.warnings)
            query, parts = indicator(sli, lookup)
            fields = {
                "name": f"{one.metadata.name}-{number + 1}" if several else one.metadata.name,
                "service": spec.service,
                "objective": _percent(objective),
                "description": spec.description or objective.display_name * several,
                "labels": prometheus_labels(one.metadata.labels, document, ("metadata", "labels"), self.warnings),
                "sli": query,
                "alerting": alerting(self, spec, document),
                "rehearsal": rehearsal(one.metadata.annotations, document, self.lost),
            }
            names: Parts = {
                "name": (document, ("metadata", "name")),
                "labels": (document, ("metadata", "labels")),
                "alerting": (document, ("spec", "alertPolicies")),
                "rehearsal": (document, ("metadata", "annotations")),
            }
            yield _slo(fields, document), Places(document, ("spec",), {**names, "objective": (document, path), **parts})

    def _window(self, spec: openslo.SloSpec, document: Document) -> None:
        path: Path = ("spec", "timeWindow", 0)
        for window in spec.time_window:
            if window.calendar is not None or window.is_rolling is False:
                told = "is aligned to the calendar; the window looked at is a rolling one all the same"
                self.warnings.append(document.problem(path, told))
            elif window.duration != "30d":
                told = f"{window.duration} isn't kept: --windows and --budget say over how long a budget is counted"
                self.lost.append(document.problem((*path, "duration"), told))


def _no_composite(objective: openslo.Objective, document: Document, path: Path) -> None:
    for name in ("indicator", "indicator_ref", "composite_weight"):
        if getattr(objective, name) is not None:
            message = "is a composite of OpenSLO, which isn't read; write composites: in a file of Sloth's format"
            raise DocumentError([document.problem(path, message)])


def _percent(objective: openslo.Objective) -> float:
    """target or targetPercent, in decimal arithmetic: 0.999 is 99.9."""
    if objective.target_percent is not None:
        return objective.target_percent
    return float(Decimal(str(objective.target)) * 100)


def _slo(fields: dict[str, object], document: Document) -> Slo:
    """The SLO; what our model refuses is told at the field of OpenSLO that it comes from."""
    paths: dict[str, Path] = {"name": ("metadata", "name"), "labels": ("metadata", "labels")}
    try:
        return Slo.model_validate(fields)
    except ValidationError as error:
        raise DocumentError(
            [
                document.problem(
                    paths.get(name := str(row["loc"][0]), ("spec", name)), f"{row['msg'].lower()}, got {row['input']!r}"
                )
                for row in error.errors()
            ]
        ) from None
