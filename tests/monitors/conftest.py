"""A real Prometheus that scrapes a real exporter, both for the whole session: its first scrape takes 5 s to come."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from flashcrowd.process import Supervisor, free_port
from monitors import rules, server, windows
from monitors.prometheus import Prometheus
from monitors.slo import Slo

SCRAPE = 0.2


def events_slo(**changes: object) -> Slo:
    """An SLO of 99 % on `orders_total`, whose fields may be replaced."""
    fields: dict[str, object] = {
        "service": "shop",
        "name": "orders",
        "objective": 99,
        "description": "An order is answered.",
        "sli": {
            "events": {
                "error_query": 'sum(rate(orders_total{outcome="error"}[{{.window}}]))',
                "total_query": "sum(rate(orders_total[{{.window}}]))",
            }
        },
        "alerting": {"name": "OrderBurn", "annotations": {"runbook": "order-errors"}},
    }
    return Slo.model_validate({**fields, **changes})


def slo_on(metric: str, **changes: object) -> Slo:
    """An SLO of 99 % on the counter `METRIC_total`."""
    rate = "sum(rate({metric}_total{selector}[{{{{.window}}}}]))"
    return events_slo(
        name=metric.replace("_", "-"),
        sli={
            "events": {
                "error_query": rate.format(metric=metric, selector='{outcome="error"}'),
                "total_query": rate.format(metric=metric, selector=""),
            }
        },
        **changes,
    )


@pytest.fixture(name="events_slo")
def _events_slo() -> Callable[..., Slo]:
    return events_slo


@pytest.fixture(name="slo_on")
def _slo_on() -> Callable[..., Slo]:
    return slo_on


@dataclass(frozen=True)
class Shop:
    """What the exporter counts. Each test drives a counter of its own, so that they don't disturb one another."""

    orders: Counter
    measured: Counter
    flawless: Counter
    gated: Counter


@dataclass(frozen=True)
class Bench:
    """A Prometheus at work, and the exporter that it scrapes. since: unix time when it began."""

    url: str
    shop: Shop
    since: float


@pytest.fixture(scope="session")
def exporter() -> Iterator[tuple[int, Shop]]:
    registry = CollectorRegistry()
    orders, measured, flawless, gated = (
        Counter(name, name, ["outcome"], registry=registry) for name in ("orders", "measured", "flawless", "gated")
    )
    for counter in (orders, measured, gated):
        counter.labels("ok").inc(10_000)  # far from 0, below which Prometheus doesn't extrapolate
        counter.labels("error").inc(10_000)
    flawless.labels("ok").inc(10_000)
    Histogram("checkout_seconds", "Looked at only.", buckets=(0.25, 0.5, 1), registry=registry).observe(0.3)
    Gauge("carts", "Looked at only.", registry=registry).set(3)
    port = free_port()
    http, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    yield port, Shop(orders, measured, flawless, gated)
    http.shutdown()
    thread.join()
    http.server_close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bench(exporter: tuple[int, Shop], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    if shutil.which("prometheus") is None:
        pytest.skip("no Prometheus here")
    port, shop = exporter
    directory = tmp_path_factory.mktemp("bench")
    rule_file = directory / "rehearsal.rules.yml"
    rule_file.write_text(rules.rule_file([events_slo()], windows.find("rehearsal")))
    async with Supervisor(directory) as supervisor:
        since = time.time()
        url = await server.start(
            supervisor, directory / "prometheus", {"shop": [f"127.0.0.1:{port}"]}, [rule_file], interval=SCRAPE
        )
        async with Prometheus(url) as prometheus:
            await until(lambda: _is_up(prometheus))
        yield Bench(url, shop, since)


@pytest_asyncio.fixture
async def prometheus(bench: Bench) -> AsyncIterator[Prometheus]:
    async with Prometheus(bench.url) as client:
        yield client


@pytest.fixture(name="until")
def _until() -> Callable[..., Awaitable[None]]:
    return until


@pytest.fixture
def promtool(tmp_path: Path) -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool here")
    return found


async def until(condition: Callable[[], Awaitable[bool]], timeout: float = 60) -> None:
    """Poll until the condition holds."""
    end = time.monotonic() + timeout
    while not await condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.1)


async def _is_up(prometheus: Prometheus) -> bool:
    return await prometheus.scalar("sum(up)") == 1
