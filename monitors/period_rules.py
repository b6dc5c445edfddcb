"""Period rules: what is recorded of an SLO over the whole period of its error budget, and of the SLO itself.

Names and labels are Sloth's, so that its dashboards show them. The ratio over the period is not: Sloth takes the mean
of all 5-minute ratios, in which the five minutes of a flash sale weigh as little as five minutes of the night. Here bad
and all events are recorded as rates, and their sums over the period are divided, so that each event weighs the same.
Reading the raw series over 30 days at each evaluation would say the same, and cost a great deal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flashcrowd.units import SECONDS, format_duration
from monitors.slo import Slo

Rule = dict[str, str | dict[str, str]]


def period_rules(slo: Slo, identity: Mapping[str, str], short: float, period: float) -> Iterator[Rule]:
    """The rules, to stand behind the recorded ratios in one group.

    identity: the labels that tell this SLO's series from others'. short, period: seconds; the shortest window, whose
    ratio is recorded already, and the budget's period.
    """
    labels, selector = {**slo.labels, **identity}, selecting(identity)
    if slo.sli.events is not None:
        window = {**labels, "sloth_window": format_duration(short)}
        for kind, query in (("bad", slo.bad_query(short)), ("total", slo.total_query(short))):
            yield {"record": f"slo:sli_{kind}:rate{format_duration(short)}", "expr": query, "labels": window}
    yield {
        "record": ratio_metric(period),
        "expr": _over_the_period(slo, selector, format_duration(short), format_duration(period)),
        "labels": {**labels, "sloth_window": format_duration(period)},
    }
    yield from _facts(slo, labels, period)
    for name, ratio in (("current", ratio_metric(short)), ("period", ratio_metric(period))):
        yield {
            "record": f"slo:{name}_burn_rate:ratio",
            "expr": f"max without (sloth_window) ({ratio}{selector}) / {slo.budget:.12g}",
            "labels": labels,
        }
    left = f"1 - slo:period_burn_rate:ratio{selector}"
    yield {"record": "slo:period_error_budget_remaining:ratio", "expr": left, "labels": labels}


def ratio_metric(window: float) -> str:
    """The name of the bad share over a window: `slo:sli_error:ratio_rate5m`."""
    return f"slo:sli_error:ratio_rate{format_duration(window)}"


def selecting(labels: Mapping[str, str]) -> str:
    """A selector of series with these labels, in braces."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def _over_the_period(slo: Slo, selector: str, short: str, period: str) -> str:
    """The bad share over the period. A raw SLI counts no events, so that a mean over time is all there is of it."""
    if slo.sli.events is None:
        return f"avg_over_time(slo:sli_error:ratio_rate{short}{selector}[{period}])"
    bad, total = (f"sum_over_time(slo:sli_{kind}:rate{short}{selector}[{period}])" for kind in ("bad", "total"))
    return f"{bad} / {total}"


def _facts(slo: Slo, labels: dict[str, str], period: float) -> Iterator[Rule]:
    """What the SLO itself says, as series."""
    facts = {
        "slo:objective:ratio": slo.objective / 100,
        "slo:error_budget:ratio": slo.budget,
        "slo:time_period:days": period / SECONDS["d"],
    }
    for name, value in facts.items():
        yield {"record": name, "expr": f"vector({value:.12g})", "labels": labels}
    yield {"record": "sloth_slo_info", "expr": "vector(1)", "labels": {**labels, "sloth_spec": "prometheus/v1"}}
