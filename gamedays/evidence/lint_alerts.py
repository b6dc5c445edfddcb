"""Lint alerts: the alerts that SLO files and Prometheus rule files raise, for lint to hold against runbooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flashcrowd.documents import Document, Step, documents
from flashcrowd.errors import DocumentError, Problem
from monitors import slo_files
from monitors.dialects.places import Places
from monitors.slo import Severity, Slo
from runbooks.lint.alerts import Alert, Alerts
from runbooks.lint.finding import Finding

_SEVERITIES: tuple[Severity, ...] = ("page", "ticket")


def builtin() -> list[str]:
    """The names of the built-in SLO files."""
    return slo_files.builtin_names()


def read(slo: Sequence[str], rules: Sequence[Path], base: str | None) -> tuple[Alerts, list[Finding]]:
    """All alerts of these files, and the faults of those that are wrong. base: as `Alerts`.

    Raises:
        InputError: an SLO file isn't there.
    """
    alerts, faults, names = list[Alert](), list[Problem](), None
    if slo:
        try:
            found = slo_files.load(slo)
            names = frozenset(one.name for one in found.slos)
            alerts += [alert for one in found.slos for alert in _of_slo(one, found.places[one.id])]
        except DocumentError as error:
            faults += error.problems
    for file in rules:
        try:
            for document in documents(file):
                alerts += _of_rules(document)
        except DocumentError as error:
            faults += error.problems
    return Alerts(alerts, names, base), [Finding("format", fault) for fault in faults]


def _of_slo(slo: Slo, places: Places) -> Iterator[Alert]:
    """One alert for all that page, one for all that don't, where they differ in what they carry."""
    found = [alert.annotations for severity in _SEVERITIES if (alert := slo.alert(severity)) is not None]
    for number, carried in enumerate(found):
        if carried not in found[:number]:
            yield Alert(slo.alerting.name, carried, places.problem("alerting", ""))


def _of_rules(document: Document) -> Iterator[Alert]:
    """The alerts of a rule file of Prometheus, or of a PrometheusRule of its operator."""
    base: tuple[Step, ...] = ("spec",) if document.get("kind") == "PrometheusRule" else ()
    groups = document.get(*base, "groups")
    if not isinstance(groups, list):
        message = "is no rule file of Prometheus; it has no list of groups"
        raise DocumentError([document.problem(base, message)])
    for group, group_of in enumerate(groups):
        for number, rule in enumerate(_list(group_of, "rules")):
            if isinstance(rule, dict) and "alert" in rule:
                path = (*base, "groups", group, "rules", number, "alert")
                given = rule.get("annotations")
                carried = {str(key): str(value) for key, value in given.items()} if isinstance(given, dict) else {}
                yield Alert(str(rule["alert"]), carried, document.problem(path, ""))


def _list(parent: Any, key: str) -> list[Any]:
    found = parent.get(key) if isinstance(parent, dict) else None
    return found if isinstance(found, list) else []
