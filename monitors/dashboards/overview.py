"""Overview: the dashboard of objectives. It reads the series that `flashcrowd slo rules` records, of one policy."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models.units import PercentUnit

from flashcrowd.units import format_duration
from monitors.dashboards.frame import choice, frame
from monitors.dashboards.panels import (
    EVENTS,
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Looks,
    Panel,
    Query,
    figures,
    lines,
    link,
)
from monitors.figures import exact_percent
from monitors.period_rules import ratio_metric, selecting
from monitors.slo import Slo
from monitors.windows import WindowPolicy

FIRING = 4
"""Of 24: the width of a count of alerts."""


def overview(slos: Sequence[Slo], policy: WindowPolicy, runbooks: str | None = None) -> boards.Dashboard:
    """The dashboard. runbooks: URL of their folder; SLOs whose runbook is a URL need none."""
    since, refresh = ("6h", "30s") if policy.period is not None else ("15m", "5s")
    made = frame(
        f"flashcrowd-slo-{policy.name}"[:40],
        f"SLO overview ({policy.name})",
        f"Objectives, their burn and what is left of their budgets, by the rules of the windows {policy.name}.",
        since,
        refresh,
    )
    windows = [format_duration(window) for window in policy.windows]
    made.with_variable(choice("service", "Service", sorted({slo.service for slo in slos})))
    made.with_variable(choice("window", "Window", windows, format_duration(policy.pairs[0].long)))
    made.with_row(boards.Row("Now"))
    severities = [it for it in ("page", "ticket") if it in {pair.severity for pair in policy.pairs}]
    for severity in severities:
        made.with_panel(_firing(policy, severity, RED if severity == "page" else ORANGE))
    made.with_panel(_burning(slos, policy, 24 - FIRING * len(severities)))
    for slo in slos:
        made.with_row(boards.Row(f"{slo.name} of {slo.service}: {slo.objective:g} % wanted"))
        links = _links(slo, runbooks)
        made.with_panel(_held(slo, policy, links)).with_panel(_burn(slo, policy, links))
        if policy.period is not None:
            made.with_panel(_left(slo, policy, policy.period))
        if slo.sli.events is not None:
            made.with_panel(_events(slo, policy))
    return made


def burn_rate(slo: Slo, policy: WindowPolicy, metric: str) -> str:
    """How many times too fast the budget burns, by a recorded share of bad events."""
    return f"max without (sloth_window) ({metric}{_selector(slo, policy)}) / {slo.budget:.12g}"


def burn_steps(policy: WindowPolicy) -> list[tuple[float, str]]:
    """1 uses the budget up by the end of its period; from the factors of the alerts on, tickets and pages come."""
    factors = {pair.factor: RED if pair.severity == "page" else ORANGE for pair in reversed(policy.pairs)}
    return sorted(({1.0: YELLOW} | factors).items())


def _selector(slo: Slo, policy: WindowPolicy) -> str:
    fixed = selecting({"sloth_id": slo.id, "policy": policy.name})
    return f'{fixed[:-1]}, sloth_service=~"$service"}}'


def _firing(policy: WindowPolicy, severity: str, colour: str) -> Panel:
    firing = f'alertstate="firing", sloth_severity="{severity}", policy="{policy.name}", sloth_service=~"$service"'
    return figures(
        f"{severity.capitalize()}s firing",
        f"SLOs with a {severity} that fires now. Which: the rows below, and the dashboard of faults.",
        Looks(steps=[(1, colour)]),
        [Query(f"count(count by (sloth_id) (ALERTS{{{firing}}})) or vector(0)", f"{severity}s")],
        width=FIRING,
    )


def _burning(slos: Sequence[Slo], policy: WindowPolicy, width: int) -> Panel:
    return figures(
        "Burn rate over $window",
        "How many times faster than allowed each error budget burns. At 1 it lasts exactly to the end of its period. "
        + _factors(policy),
        Looks("suffix:×", burn_steps(policy), decimals=1),
        [Query(burn_rate(slo, policy, "slo:sli_error:ratio_rate$window"), slo.name) for slo in slos],
        width=width,
    )


def _factors(policy: WindowPolicy) -> str:
    says = [f"{pair.factor:g} over {pair.name} makes a {pair.severity}" for pair in policy.pairs]
    return "; ".join(says) + "."


def _held(slo: Slo, policy: WindowPolicy, links: list[boards.DashboardLink]) -> Panel:
    wanted = slo.objective / 100
    return lines(
        "Held over $window",
        f"{_says(slo)}The dashed line is the objective, {slo.objective:g} %.{'' if links else _page(slo)}",
        Looks(PercentUnit, [(wanted, GREEN)], base=RED, decimals=2, most=1),
        [Query(f"1 - max without (sloth_window) (slo:sli_error:ratio_rate$window{_selector(slo, policy)})", "held")],
        width=8,
        links=links,
        worst="min",
    )


def _burn(slo: Slo, policy: WindowPolicy, links: list[boards.DashboardLink]) -> Panel:
    return lines(
        "Burn rate",
        f"Of every window of the policy. An alert needs both windows of a pair above its factor. {_factors(policy)}",
        Looks("suffix:×", burn_steps(policy), decimals=1, least=0),
        [Query(burn_rate(slo, policy, ratio_metric(it)), format_duration(it)) for it in policy.windows],
        width=8,
        links=links,
    )


def _left(slo: Slo, policy: WindowPolicy, period: float) -> Panel:
    return lines(
        f"Error budget left of {format_duration(period)}",
        f"{exact_percent(slo.budget)} of the events of {format_duration(period)} may be bad. Below 0 it is overspent: "
        "hold releases back.",
        Looks(PercentUnit, [(0, ORANGE), (0.2, GREEN)], base=RED, decimals=1, most=1),
        [Query(f"slo:period_error_budget_remaining:ratio{_selector(slo, policy)}", "left")],
        width=8,
        worst="min",
    )


def _events(slo: Slo, policy: WindowPolicy) -> Panel:
    """Straight from the SLO's queries: what shows that few events, or none, stand behind a ratio."""
    shortest = policy.windows[0]
    return lines(
        f"Events over {format_duration(shortest)}",
        "All and bad events a second. Few events make a ratio jump; none make it vanish.",
        EVENTS,
        [Query(slo.total_query(shortest), "all"), Query(slo.bad_query(shortest), "bad")],
        width=8,
    )


def _says(slo: Slo) -> str:
    return f"{slo.description.strip()} " if slo.description else ""


def _page(slo: Slo) -> str:
    """Where its runbook is, when there is no address for a link."""
    return f" Runbook: `flashcrowd runbook show {slo.runbook}`." if slo.runbook is not None else ""


def _links(slo: Slo, base: str | None) -> list[boards.DashboardLink]:
    """To the SLO's runbook, where there is an address for it."""
    runbook = slo.runbook
    if runbook is None or (base is None and "://" not in runbook):
        return []
    url = runbook if "://" in runbook else f"{str(base).rstrip('/')}/{runbook}"
    return [link(f"Runbook: {runbook.rpartition('/')[2] or runbook}", url)]
