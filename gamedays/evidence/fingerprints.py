"""Fingerprints of a rehearsal: which plan, rules and target it was of, without what differs from start to start."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from flashcrowd.fingerprint import fingerprint
from flashcrowd.target import Target
from gamedays import embedded
from gamedays.plan import Plan
from monitors.slo import Slo

_NOT_THE_PLAY = {"target", "slos", "controls"}
"""Of a plan: the first two have fingerprints of their own, and a control repeats the same plan."""

_LATER = {
    *("drift", "detected_within_production", "mitigated_within", "budget_spent_at_most", "others", "invariants"),
}
"""Fields that plans of earlier versions don't have; without them a plan is the same as before."""

_PARTS = ("environment", "components", "live", "shop", "draw", "stream", "events")
"""Of a target: what load, faults and mitigations meet. Who measures it, and who the viewers are, is not among it."""

_PLACES = {"port", "ports", "folder", "log", "ca_file"}
"""Fields of a target that say where on a machine something is, and not what it is."""


def of_plan(plan: Plan) -> str:
    """Twelve hex digits of the load, the sale, the faults and what is expected of them; not of its name."""
    spec = {key: value for key, value in _json(plan.spec).items() if key not in _NOT_THE_PLAY}
    spec = {key: value for key, value in spec.items() if value or key not in _LATER}
    spec["steps"] = [_used(step) for step in spec["steps"]]
    if trace := spec["load"].get("trace"):
        spec["load"] |= {"trace": Path(trace).name, "hold": None}  # a trace says by itself how long it is
    return fingerprint(spec)


def of_rules(slos: Iterable[Slo]) -> str:
    """Twelve hex digits of the SLOs: objectives, queries, alerts and the runbooks that these name."""
    return fingerprint([_rule(slo) for slo in sorted(slos, key=lambda slo: slo.id)])


def of_target(target: Target | None) -> str:
    """Twelve hex digits of what a target consists of and speaks; None is the embedded storefront.

    Ports, folders and where its metrics are don't count; its hosts do.
    """
    target = target or embedded.describe(embedded.Addresses(), "http://127.0.0.1:1")
    spec = _json(target.spec)
    return fingerprint({part: _settled(spec[part]) for part in _PARTS})


def _used(step: dict[str, Any]) -> dict[str, Any]:
    """A step without the later fields of its expectation that it doesn't use."""
    if (expected := step.get("expect")) is None:
        return step
    return {**step, "expect": {key: value for key, value in expected.items() if value is not None or key not in _LATER}}


def _rule(slo: Slo) -> dict[str, Any]:
    alerts = {}
    for severity in ("page", "ticket"):
        alert = slo.alert(severity)
        alerts[severity] = (
            None if alert is None else {"labels": alert.labels, "runbook": alert.annotations.get("runbook")}
        )
    queries = {kind: _laid_out(part) for kind, part in _json(slo.sli).items()}
    return {"id": slo.id, "objective": slo.objective, "sli": queries, "alert": slo.alerting.name, **alerts}


def _laid_out(part: dict[str, str] | None) -> dict[str, str] | None:
    """Queries on one line each: how they are broken into lines changes nothing."""
    return None if part is None else {name: " ".join(query.split()) for name, query in part.items()}


def _settled(value: Any) -> Any:
    """A part of a target without the places that are others at the next start."""
    if isinstance(value, dict):
        return {
            key: Path(item).name if key in ("pidfile", "faketime") and item else _settled(item)
            for key, item in value.items()
            if key not in _PLACES
        }
    if isinstance(value, list):
        return [_settled(item) for item in value]
    return _without_port(value) if isinstance(value, str) else value


def _without_port(text: str) -> str:
    if not re.match(r"[a-z][a-z0-9+.-]*://", text):
        return text
    parts = urlsplit(text)
    return urlunsplit(parts._replace(netloc=re.sub(r":\d+$", "", parts.netloc)))


def _json(model: Any) -> dict[str, Any]:
    data: dict[str, Any] = model.model_dump(mode="json", by_alias=True)
    return data
