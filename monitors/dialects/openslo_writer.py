"""OpenSLO writer: SLOs as objects of its version 1, and what of them that can't say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flashcrowd.units import format_duration
from monitors import windows
from monitors.dialects.openslo_alerts import POLICY
from monitors.dialects.openslo_labels import CONFIDENCE, MIN_EVENTS
from monitors.dialects.yaml_text import dump
from monitors.slo import Indicator, Rehearsal, Severity, Slo

VERSION = {"apiVersion": "openslo/v1"}
PERIOD = "30d"
_SEVERITIES: tuple[Severity, ...] = ("page", "ticket")


def text(slos: Sequence[Slo]) -> str:
    """A Service for each service and an SLO for each SLO, as YAML documents."""
    services = [
        {**VERSION, "kind": "Service", "metadata": {"name": name}, "spec": {}}
        for name in dict.fromkeys(slo.service for slo in slos)
    ]
    return dump([*services, *map(_slo, slos)])


def _slo(slo: Slo) -> dict[str, Any]:
    return {
        **VERSION,
        "kind": "SLO",
        "metadata": _meta(slo.name, labels=slo.labels, annotations=_annotations(slo.rehearsal)),
        "spec": {
            **({"description": slo.description} if slo.description else {}),
            "service": slo.service,
            "indicator": {"metadata": {"name": slo.name}, "spec": {"ratioMetric": _ratio(slo.sli)}},
            "timeWindow": [{"duration": PERIOD, "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"target": float(Decimal(str(slo.objective)) / 100)}],
            **({"alertPolicies": policies} if (policies := _policies(slo)) else {}),
        },
    }


def _ratio(sli: Indicator) -> dict[str, Any]:
    if sli.raw is not None:
        return {"rawType": "failure", "raw": _metric(sli.raw.error_ratio_query)}
    assert sli.events is not None
    return {"counter": True, "bad": _metric(sli.events.error_query), "total": _metric(sli.events.total_query)}


def _metric(query: str) -> dict[str, Any]:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


def _policies(slo: Slo) -> list[dict[str, Any]]:
    """A policy for each severity: one holds a single condition."""
    found = []
    for severity in _SEVERITIES:
        own = slo.alerting.page_alert if severity == "page" else slo.alerting.ticket_alert
        if own.disable:
            continue
        condition = {
            "kind": "AlertCondition",
            "metadata": _meta(f"{slo.name}-{severity}", labels=own.labels, annotations=own.annotations),
            "spec": {"severity": severity, "condition": _condition(severity)},
        }
        common = slo.alerting
        meta = _meta(f"{slo.name}-{severity}", common.name, labels=common.labels, annotations=common.annotations)
        spec = {"alertWhenBreaching": True, "conditions": [condition], "notificationTargets": []}
        found.append({"kind": "AlertPolicy", "metadata": meta, "spec": spec})
    return found


def _condition(severity: Severity) -> dict[str, Any]:
    pair = next(pair for pair in windows.find(POLICY).pairs if pair.severity == severity)
    return {
        "kind": "burnrate",
        "op": "gte",
        "threshold": pair.factor,
        "lookbackWindow": format_duration(pair.long),
        "alertAfter": "0m",
    }


def _annotations(rehearsal: Rehearsal) -> dict[str, str]:
    if rehearsal == Rehearsal():
        return {}
    return {MIN_EVENTS: str(rehearsal.min_events), CONFIDENCE: str(rehearsal.confidence)}


def _meta(name: str, display_name: str = "", *, labels: Mapping[str, str], annotations: Mapping[str, str]) -> Any:
    found: dict[str, Any] = {"name": name}
    if display_name:
        found["displayName"] = display_name
    if kept := {key: value for key, value in labels.items() if is_label(key)}:
        found["labels"] = kept
    if annotations:
        found["annotations"] = dict(annotations)
    return found


def is_label(key: str) -> bool:
    """Whether OpenSLO has labels of this name: at most 63 characters, the first and the last a letter or digit."""
    return re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", key) is not None
