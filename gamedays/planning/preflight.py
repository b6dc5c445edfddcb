"""Preflight: whether a user's own Prometheus can see a game day at all, asked before the first viewer.

What it doesn't scrape it can't judge, and an alert that it doesn't have pages nobody: better told now than by a
verdict in an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import require_free
from flashcrowd.target import Target
from gamedays.planning.checks import Prepared
from gamedays.playing.pages import alertmanager_of
from loadtests.runner import HOST
from monitors.prometheus import Prometheus


async def look(prepared: Prepared, target: Target, guard: Guard, prometheus: Prometheus) -> None:
    """Raises NeedError with all that Prometheus lacks, when it or its Alertmanager doesn't answer, and when another
    load runs."""
    if target.spec.prometheus is not None and target.spec.prometheus.load_port is not None:
        require_free(HOST, target.spec.prometheus.load_port, "the load's metrics")
    lacking = [*_unscraped(target, [it.instance for it in await prometheus.targets()])]
    lacking += _unruled(prepared, await prometheus.alert_names())
    lacking += await paged(target, guard, await prometheus.alertmanagers())
    if lacking:
        raise NeedError("\n".join([*lacking, f"{prometheus.url} can't see this game day; nothing was started"]))


def _unscraped(target: Target, instances: list[str]) -> Iterator[str]:
    """Our own addresses, where they aren't scraped. Those of the platform only its SLOs' data tell."""
    if (named := target.spec.prometheus) is None:
        return
    for what, address in (("the load", named.scrapes_load_at), ("faults", named.scrapes_faults_at)):
        if address is not None and address not in instances:
            yield f"prometheus doesn't scrape {what} at {address}; add a scrape_config with this target"


async def paged(target: Target, guard: Guard, sent_to: Sequence[str]) -> list[str]:
    """What keeps pages from coming by the target's Alertmanager. sent_to: where Prometheus sends alerts.

    Raises:
        NeedError: it doesn't answer. InputError: it refuses the filter.
    """
    alertmanager = alertmanager_of(target, guard)
    if alertmanager is None:
        return []
    async with alertmanager:
        await alertmanager.alerts()
    lacking = "prometheus sends its alerts to no Alertmanager; name it in alerting.alertmanagers of its configuration"
    return [] if sent_to else [lacking]


def _unruled(prepared: Prepared, alerts: set[str]) -> Iterator[str]:
    """Pages that a step expects, and for which there is no rule."""
    expected = {step.expect.slo for step in prepared.plan.spec.steps if step.expect is not None}
    for slo in prepared.slos:
        if slo.name in expected and slo.alerting.name not in alerts:
            yield (
                f"prometheus has no alert {slo.alerting.name}, and nobody would be paged for {slo.name}; "
                "load the rules that 'flashcrowd slo rules ... --windows rehearsal' prints"
            )
