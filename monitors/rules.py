"""Rules: the Prometheus rule file of SLOs, made of their queries and a policy of windows.

Recording rules carry Sloth's names and labels, so that its dashboards show them. Two things differ on purpose. Each
event of a window weighs the same, of the budget's whole period too (`period_rules.py`): a mean of 5-minute ratios
would let a flash sale's peak count as little as a quiet night. And each pair of windows is an alert of its own, so
that a page says which pair it came from.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from flashcrowd.errors import InputError
from flashcrowd.units import format_duration
from monitors.figures import exact_percent
from monitors.period_rules import Rule, period_rules, ratio_metric, selecting
from monitors.slo import Alert, Slo
from monitors.windows import Pair, WindowPolicy


def rule_file(
    slos: Sequence[Slo], policy: WindowPolicy, interval: float | None = None, runbook_base: str | None = None
) -> str:
    """The YAML of a rule file: for each SLO one group of recording rules and alerts, in order.

    interval: seconds between evaluations; None takes the policy's, and that failing the server's.
    runbook_base: URL of the folder of runbooks; it gives alerts a `runbook_url`.
    Group names and the label `policy` keep files of several policies apart in one Prometheus.

    Raises:
        InputError: an SLO for which no alert of the policy could ever fire.
    """
    groups = [_group(slo, policy, interval or policy.interval, runbook_base) for slo in slos]
    yaml, text = YAML(), io.StringIO()
    yaml.width = 4096
    yaml.representer.ignore_aliases = lambda *_: True  # labels are written out, though rules share them
    yaml.dump({"groups": groups}, text)
    return text.getvalue()


def _group(slo: Slo, policy: WindowPolicy, interval: float | None, runbook_base: str | None) -> dict[str, object]:
    group: dict[str, object] = {"name": f"flashcrowd-{policy.name}-{slo.id}"}
    if interval is not None:
        group["interval"] = format_duration(interval)
    records = [_record(slo, policy, window) for window in policy.windows]
    alerts = [
        _alert(slo, policy, pair, alert, runbook_base)
        for pair in _pairs(slo, policy)
        if (alert := slo.alert(pair.severity)) is not None
    ]
    period = [] if policy.period is None else _period(slo, policy, policy.period)
    return {**group, "rules": records + period + alerts}


def _pairs(slo: Slo, policy: WindowPolicy) -> list[Pair]:
    """The pairs that can fire: where the whole budget is 10 %, nothing burns 14.4 times as much."""
    possible = [pair for pair in policy.pairs if pair.factor * slo.budget < 1]
    if not possible:
        highest = exact_percent(1 - 1 / min(pair.factor for pair in policy.pairs))
        raise InputError(
            f"{slo.id}: an objective of {slo.objective:g} % can't burn fast enough for any alert of {policy.name}; "
            f"give it more than {highest}, or another policy"
        )
    return possible


def _record(slo: Slo, policy: WindowPolicy, window: float) -> Rule:
    return {
        "record": ratio_metric(window),
        "expr": LiteralScalarString(f"{slo.ratio_query(window)}\n"),
        "labels": {**slo.labels, **_identity(slo, policy), "sloth_window": format_duration(window)},
    }


def _period(slo: Slo, policy: WindowPolicy, period: float) -> list[Rule]:
    rules = period_rules(slo, _identity(slo, policy), policy.windows[0], period)
    return [{**rule, "expr": LiteralScalarString(f"{rule['expr']}\n")} for rule in rules]


def _alert(slo: Slo, policy: WindowPolicy, pair: Pair, alert: Alert, runbook_base: str | None) -> Rule:
    labels = {
        "severity": pair.severity,
        **alert.labels,
        "sloth_severity": pair.severity,
        "policy": policy.name,
        "long": format_duration(pair.long),
        "short": format_duration(pair.short),
    }
    if pair.stands_for is not None:
        labels["stands_for"] = pair.stands_for
    return {
        "alert": slo.alerting.name,
        "expr": LiteralScalarString(_expression(slo, policy, pair)),
        "labels": labels,
        "annotations": {
            "summary": f"{slo.name} of {slo.service} burns its error budget over {pair.factor:g} times too fast",
            "description": _description(slo, pair),
            **alert.annotations,
            **_runbook_url(alert, runbook_base),
        },
    }


def _expression(slo: Slo, policy: WindowPolicy, pair: Pair) -> str:
    """Both windows above the threshold; the long one first, so that it is the alert's value."""
    selector = selecting(_identity(slo, policy))
    long, short = (
        f"max without (sloth_window) ({ratio_metric(window)}{selector} > ({pair.factor:g} * {slo.budget:g}))"
        for window in (pair.long, pair.short)
    )
    return f"{long}\nand\n{short}\n"


def _description(slo: Slo, pair: Pair) -> str:
    says = f"{slo.description.strip()} " if slo.description else ""
    return (
        f"{says}{{{{ $value | humanizePercentage }}}} of all events of the last {format_duration(pair.long)} were bad; "
        f"at most {exact_percent(slo.budget)} may be."
    )


def _runbook_url(alert: Alert, base: str | None) -> dict[str, str]:
    runbook = alert.annotations.get("runbook")
    if base is None or runbook is None:
        return {}
    return {"runbook_url": runbook if "://" in runbook else f"{base.rstrip('/')}/{runbook}"}


def _identity(slo: Slo, policy: WindowPolicy) -> dict[str, str]:
    return {"sloth_id": slo.id, "sloth_service": slo.service, "sloth_slo": slo.name, "policy": policy.name}
