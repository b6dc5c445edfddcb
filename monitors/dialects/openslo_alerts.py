"""OpenSLO's alert policies as the alerting of an SLO: whether there is a page and a ticket, and what they carry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from flashcrowd.documents import Document, dotted
from flashcrowd.errors import DocumentError, Problem
from flashcrowd.units import parse_duration
from monitors import windows
from monitors.dialects import openslo
from monitors.dialects.openslo_labels import prometheus_labels, say
from monitors.dialects.places import Path
from monitors.slo import Alert, Alerting, Severity

POLICY = "google-30d"
"""The windows that conditions are compared with, and whose longest factors are written."""
_PAGES = ("page", "critical", "high", "sev1", "p1")
_OFF = {"disable": True}
T = TypeVar("T", bound=openslo.OpenObject)


class Objects(Protocol):
    """The objects of all files. warnings, lost: as those of `openslo_reader.Reader`."""

    warnings: list[Problem]
    lost: list[Problem]

    def find(self, model: type[T], name: str, document: Document, path: Path) -> tuple[T, Document]: ...


def alerting(objects: Objects, spec: openslo.SloSpec, document: Document) -> Alerting:
    """The alerting of an SLO; without policies neither page nor ticket. Raises DocumentError with what is wrong."""
    policies = [
        _object(objects, openslo.AlertPolicy, entry, "alertPolicyRef", document, ("spec", "alertPolicies", number))
        for number, entry in enumerate(spec.alert_policies or [])
    ]
    if not policies:
        return Alerting.model_validate({"page_alert": _OFF, "ticket_alert": _OFF})
    carried = [_carried(policy.metadata, where, objects) for policy, where in policies]
    common = tuple(_common([one[part] for one in carried]) for part in (0, 1))
    alerts: dict[Severity, tuple[dict[str, str], dict[str, str]]] = {}
    for (policy, where), own in zip(policies, carried, strict=True):
        _limits(policy.spec, where, objects)
        for condition, place in _conditions(objects, policy.spec, where):
            labels, annotations = alerts.setdefault(_severity(condition.spec, place, objects), ({}, {}))
            more = _carried(condition.metadata, place, objects)
            labels.update({key: value for key, value in own[0].items() if key not in common[0]} | more[0])
            annotations.update({key: value for key, value in own[1].items() if key not in common[1]} | more[1])
    first, *others = [policy.metadata.display_name or policy.metadata.name for policy, _ in policies]
    for name in dict.fromkeys(other for other in others if other != first):
        told = f"'{name}' isn't kept: the alerts of an SLO have one name here, '{first}'"
        say(objects.lost, document.problem(("spec", "alertPolicies"), told))
    page, ticket = (_alert(alerts.get(severity)) for severity in ("page", "ticket"))
    return Alerting(name=first, labels=common[0], annotations=common[1], page_alert=page, ticket_alert=ticket)


def _alert(found: tuple[dict[str, str], dict[str, str]] | None) -> Alert:
    return Alert(disable=True) if found is None else Alert(labels=found[0], annotations=found[1])


def _conditions(
    objects: Objects, policy: openslo.PolicySpec, document: Document
) -> Iterator[tuple[openslo.AlertCondition, Document]]:
    for number, entry in enumerate(policy.conditions):
        path: Path = ("spec", "conditions", number)
        yield _object(objects, openslo.AlertCondition, entry, "conditionRef", document, path)


def _object(
    objects: Objects, model: type[T], entry: Any, reference: str, document: Document, path: Path
) -> tuple[T, Document]:
    """The object that an entry of a list names or holds."""
    if isinstance(entry, str):
        return objects.find(model, entry, document, path)
    if isinstance(entry, Mapping) and set(entry) == {reference}:
        return objects.find(model, str(entry[reference]), document, (*path, reference))
    inside = Document(document.file, document.get(*path), document.line(path))
    try:
        return inside.parse(model), inside
    except DocumentError as error:
        before = dotted(path)
        raise DocumentError(
            [Problem(one.file, one.line, f"{before}.{one.path}".rstrip("."), one.message) for one in error.problems]
        ) from None


def _carried(meta: openslo.Meta, document: Document, objects: Objects) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations as alerts can carry them."""
    annotations: dict[str, str] = {}
    for key, value in meta.annotations.items():
        if key.isidentifier() and key.isascii():
            annotations[key] = value
        else:
            told = "is lost: the name of an alert's annotation holds letters, digits and _"
            say(objects.lost, document.problem(("metadata", "annotations", key), told))
    return prometheus_labels(meta.labels, document, ("metadata", "labels"), objects.warnings), annotations


def _common(all_of_them: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = all_of_them
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def _severity(spec: openslo.ConditionSpec, document: Document, objects: Objects) -> Severity:
    name = spec.severity.lower()
    severity: Severity = "page" if name in _PAGES else "ticket"
    if name != severity:
        told = f"'{spec.severity}' is taken for a {severity}; write page or ticket"
        say(objects.warnings, document.problem(("spec", "severity"), told))
    condition = spec.condition
    if not _is_ours(severity, condition):
        told = (
            f"a burn rate of {condition.threshold:g} over {condition.lookback_window} isn't kept: alerts look at the "
            f"pairs of windows that slo rules --windows names"
        )
        say(objects.warnings, document.problem(("spec", "condition"), told))
    return severity


def _is_ours(severity: Severity, condition: openslo.Condition) -> bool:
    with contextlib.suppress(ValueError):
        looked = (severity, parse_duration(condition.lookback_window), condition.threshold)
        return looked in {(pair.severity, pair.long, pair.factor) for pair in windows.find(POLICY).pairs}
    return False


def _limits(spec: openslo.PolicySpec, document: Document, objects: Objects) -> None:
    """What a policy asks for beside that."""
    if spec.alert_when_no_data:
        told = "isn't kept: without data slo check is inconclusive, and no alert fires"
        say(objects.warnings, document.problem(("spec", "alertWhenNoData"), told))
    if "alert_when_breaching" in spec.model_fields_set and not spec.alert_when_breaching:
        told = "false isn't kept: alerts fire when the budget burns"
        say(objects.warnings, document.problem(("spec", "alertWhenBreaching"), told))
    for field, given in (
        ("alertWhenResolved", spec.alert_when_resolved),
        ("notificationTargets", spec.notification_targets),
    ):
        if given:
            told = "isn't kept: Alertmanager's own configuration says whom to tell, and of what"
            say(objects.lost, document.problem(("spec", field), told))
