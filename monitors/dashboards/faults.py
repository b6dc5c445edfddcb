"""Faults: the dashboard of what is broken on purpose, what was noticed of it, and what viewers felt."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as boards

from monitors.dashboards import crowd
from monitors.dashboards.frame import FAULT_ACTIVE, choice, found, frame
from monitors.dashboards.overview import burn_rate, burn_steps
from monitors.dashboards.panels import GREEN, ORANGE, RED, Looks, Panel, Query, figures, lines, states
from monitors.period_rules import ratio_metric
from monitors.slo import Slo
from monitors.windows import WindowPolicy

CHOSEN = '{fault=~"$fault", on=~"$on"}'


def faults(slos: Sequence[Slo], policy: WindowPolicy) -> boards.Dashboard:
    """The dashboard. slos, policy: whose burn is shown beside the faults."""
    about = "Faults in place, the alerts that they set off, and what viewers felt meanwhile."
    made = frame("flashcrowd-faults", "Faults", about, "15m", "5s")
    made.with_variable(choice("service", "Service", sorted({slo.service for slo in slos})))
    made.with_variable(found("fault", "Fault", f"label_values({FAULT_ACTIVE}, fault)"))
    made.with_variable(found("on", "On", f"label_values({FAULT_ACTIVE}, on)"))
    made.with_variable(found("name", "Request", "label_values(flashcrowd_requests_total, name)"))
    made.with_row(boards.Row("Broken, and noticed"))
    for panel in (_now(), _firing(policy), crowd.trusted(8), _windows(), _alerts(policy), _burn(slos, policy)):
        made.with_panel(panel)
    made.with_row(boards.Row("What viewers felt"))
    for panel in (crowd.response_time(), crowd.failed(), crowd.orders()):
        made.with_panel(panel)
    return made


def _now() -> Panel:
    return figures(
        "Broken now",
        "Faults in place. Who injected one heals it at its time's end; `flashcrowd chaos recover` heals what a dead "
        "injector left.",
        Looks(steps=[(1, RED)]),
        [Query(f"sum(max by (fault, on) ({FAULT_ACTIVE}{CHOSEN})) or vector(0)", "faults")],
        8,
        says={"0": ("nothing", GREEN)},
    )


def _firing(policy: WindowPolicy) -> Panel:
    selector = f'alertstate="firing", policy="{policy.name}", sloth_service=~"$service"'
    return figures(
        "Alerts firing",
        "Of the objectives' alerts, one for each pair of windows.",
        Looks(steps=[(1, ORANGE)]),
        [Query(f"count(ALERTS{{{selector}}}) or vector(0)", "alerts")],
        8,
    )


def _windows() -> Panel:
    return states(
        "Faults",
        "When each was in place; the same windows are marked on every panel.",
        [Query(f"max by (fault, on) ({FAULT_ACTIVE}{CHOSEN})", "{{fault}} on {{on}}")],
        {"0": ("healed", GREEN), "1": ("in place", RED)},
    )


def _alerts(policy: WindowPolicy) -> Panel:
    selector = f'alertstate="firing", policy="{policy.name}", sloth_service=~"$service"'
    return states(
        "Alerts",
        "When each fired: how long a fault went unnoticed, and how long its alert outlived it.",
        [Query(f"max by (alertname, long, short) (ALERTS{{{selector}}})", "{{alertname}} {{long}}/{{short}}")],
        {"1": ("firing", ORANGE)},
    )


def _burn(slos: Sequence[Slo], policy: WindowPolicy) -> Panel:
    shortest = ratio_metric(policy.windows[0])
    return lines(
        f"Burn rate over {shortest.partition('ratio_rate')[2]}",
        "How many times faster than allowed each error budget burns; dashed are the factors of alerts.",
        Looks("suffix:×", burn_steps(policy), decimals=1, least=0),
        [Query(burn_rate(slo, policy, shortest), f"{slo.name} of {slo.service}") for slo in slos],
        24,
    )
