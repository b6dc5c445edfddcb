"""Sloth writer: SLOs as files of Sloth's `prometheus/v1`; what is read from them is what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitors.dialects.yaml_text import dump
from monitors.slo import Alert, Alerting, Composite, Indicator, Rehearsal, Slo

_OPTIONAL = ("interval", "plugins", "slo_plugins")


def text(slos: Sequence[Slo], composites: Sequence[Composite] = ()) -> str:
    """A YAML document for each service, in the order of the SLOs."""
    groups: dict[str, list[Slo]] = {}
    for slo in slos:
        groups.setdefault(f"{slo.service} {slo.slo_plugins!r}", []).append(slo)
    return dump([_document(group, composites) for group in groups.values()])


def _document(slos: Sequence[Slo], composites: Sequence[Composite]) -> dict[str, Any]:
    first, ids = slos[0], {slo.id for slo in slos}
    shared = (
        {key: value for key, value in first.labels.items() if all(slo.labels.get(key) == value for slo in slos)}
        if len(slos) > 1
        else {}
    )
    return _filled(
        version="prometheus/v1",
        service=first.service,
        labels=shared,
        slo_plugins=_plain(first.slo_plugins),
        slos=[_entry(slo, shared) for slo in slos],
        composites=[
            _composite(one) for one in composites if one.service == first.service and ids.issuperset(one.names)
        ],
    )


def _entry(slo: Slo, shared: Mapping[str, str]) -> dict[str, Any]:
    return _filled(
        name=slo.name,
        objective=slo.objective,
        description=slo.description,
        labels={key: value for key, value in slo.labels.items() if key not in shared},
        sli=_sli(slo.sli),
        alerting=_alerting(slo.alerting),
        rehearsal=_rehearsal(slo.rehearsal),
        interval=_plain(slo.interval),
        plugins=_plain(slo.plugins),
    )


def _sli(sli: Indicator) -> dict[str, Any]:
    return sli.model_dump(exclude_none=True)


def _alerting(alerting: Alerting) -> dict[str, Any]:
    return _filled(
        name=alerting.name,
        labels=alerting.labels,
        annotations=alerting.annotations,
        page_alert=_alert(alerting.page_alert),
        ticket_alert=_alert(alerting.ticket_alert),
    )


def _alert(alert: Alert) -> dict[str, Any]:
    return _filled(disable=alert.disable, labels=alert.labels, annotations=alert.annotations)


def _rehearsal(rehearsal: Rehearsal) -> dict[str, Any]:
    return rehearsal.model_dump() if rehearsal != Rehearsal() else {}


def _composite(one: Composite) -> dict[str, Any]:
    prefix = f"{one.service}-"
    return _filled(
        name=one.name,
        objective=one.objective,
        description=one.description,
        of=one.of and [{"slo": part.slo.removeprefix(prefix), "weight": part.weight} for part in one.of],
        all=one.all and [name.removeprefix(prefix) for name in one.all],
    )


def _plain(model: Any) -> dict[str, Any] | None:
    """The fields of a model that a file gave, `{}` included, which isn't the same as none."""
    return None if model is None else model.model_dump(by_alias=True, exclude_unset=True)


def _filled(**fields: Any) -> dict[str, Any]:
    """The fields that say something; `{}` does for those of which there may be none."""
    empty: tuple[object, ...] = (None, "", [], False)
    return {key: value for key, value in fields.items() if value not in empty and (value != {} or key in _OPTIONAL)}
