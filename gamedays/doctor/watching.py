"""Watching: the target's Prometheus, Alertmanager and Grafana: whether they answer, and would see a rehearsal."""

from __future__ import annotations

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.errors import FlashcrowdError
from flashcrowd.guard import Guard
from flashcrowd.target import Target
from flashcrowd.units import format_duration, parse_duration
from gamedays.doctor.row import Row
from gamedays.playing.pages import alertmanager_of
from monitors import windows
from monitors.prometheus import Prometheus

PATIENCE = 5.0
"""Seconds for an answer."""

SCRAPES = 4
"""Scrapes that the shortest window must hold: two are what a rate needs, and one of them may come late."""


async def prometheus(target: Target, guard: Guard) -> list[Row]:
    """Reachable, quick enough, and with alert rules; nothing where the target names none."""
    address, url = target.spec.prometheus, target.prometheus_url
    if address is None or url is None:
        return []
    try:
        guard.check_url(url, "spec.prometheus.url")
        async with Prometheus(url, PATIENCE) as client:
            scraped, alerts = await client.targets(), await client.alert_names()
    except FlashcrowdError as error:
        return [Row("", "does not answer", str(error))]
    rows = [_intervals([one.interval for one in scraped if one.interval])]
    for what, ours in (("load", address.scrapes_load_at), ("faults", address.scrapes_faults_at)):
        if ours is not None:
            rows.append(_scraped(what, ours, {one.instance for one in scraped}))
    rules = "load those that 'flashcrowd slo rules ... --windows rehearsal' prints, or nobody is paged"
    rows.append(Row("rules", f"{len(alerts)} alerts", None if alerts else rules))
    return rows


def _scraped(what: str, address: str, instances: set[str]) -> Row:
    if address in instances:
        return Row(what, f"{'are' if what == 'faults' else 'is'} scraped at {address}")
    says = f"{'are' if what == 'faults' else 'is'} not scraped at {address}"
    return Row(what, says, f"add a scrape_config with the target {address}")


def _intervals(intervals: list[str]) -> Row:
    if not intervals:
        return Row("", "answers, and scrapes nothing", "give it the platform's metrics: scrape_configs")
    slowest = max(parse_duration(interval) for interval in intervals)
    shortest = windows.find("rehearsal").windows[0]
    says = f"answers, scrapes every {format_duration(slowest)}"
    if slowest * SCRAPES <= shortest:
        return Row("", says)
    return Row("", f"{says}: too slow for a {format_duration(shortest)} window", "scrape_interval: 1s for rehearsals")


async def alertmanager(target: Target, guard: Guard) -> list[Row]:
    """Reachable, its filter right, what it keeps to itself, and whether it would get alerts at all."""
    url, client = target.prometheus_url, alertmanager_of(target, guard)
    if client is None:
        return []
    try:
        async with client:
            version, alerts = await client.version(), await client.alerts()
            silences = [silence for silence in await client.silences() if silence.state == "active"]
    except FlashcrowdError as error:
        return [Row("", "does not answer", f"{error}; mend spec.alertmanager")]
    firing = [alert for alert in alerts if alert.suppressed is None]
    rows = [Row("", f"answers, version {version} · alerts: {len(firing)} firing, {len(alerts) - len(firing)} silenced")]
    rows += [Row("silence", f"by {one.by}: {one.comment}") for one in silences]
    return [*rows, *(await _sent(url) if url is not None else [])]


async def _sent(url: str) -> list[Row]:
    """Whether that Prometheus sends alerts to an Alertmanager; which one, its address need not tell."""
    try:
        async with Prometheus(url, PATIENCE) as client:
            places = await client.alertmanagers()
    except FlashcrowdError:
        return []  # Prometheus' own part tells that
    remedy = "name it in alerting.alertmanagers of prometheus.yml, or nobody is paged"
    return [Row("alerts", f"prometheus sends them to {len(places) or 'no'} Alertmanager", None if places else remedy)]


async def grafana(target: Target, guard: Guard) -> list[Row]:
    """Reachable, and whether the token is good; nothing where the target names none."""
    spec, url = target.spec.grafana, target.grafana_url
    if spec is None or url is None:
        return []
    async with guarded_client(guard, "spec.grafana.url", PATIENCE) as client:
        try:
            answer = await client.get(f"{url.rstrip('/')}/api/org", headers={"Authorization": f"Bearer {spec.token}"})
        except (httpx.HTTPError, FlashcrowdError) as error:
            return [Row("", "does not answer", f"{str(error) or type(error).__name__}; mend spec.grafana.url")]
    if answer.status_code in (401, 403):
        return [Row("", f"refuses the token with {answer.status_code}", f"put a good one into {spec.token_env}")]
    if not answer.is_success:
        return [Row("", f"answers with {answer.status_code} at /api/org", "mend spec.grafana.url")]
    return [Row("", "answers, and knows the token")]
