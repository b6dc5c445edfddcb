from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from flashcrowd.errors import NeedError
from flashcrowd.process import free_port
from monitors.alerts import Page, watch
from monitors.prometheus import Prometheus


@asynccontextmanager
async def traffic(counter: Any, outcome: str) -> AsyncIterator[None]:
    """Events of this outcome, 20 times a second, while the block lasts."""

    async def go() -> None:
        while True:
            counter.labels(outcome).inc(5)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(go())
    try:
        yield
    finally:
        task.cancel()


async def first(prometheus: Prometheus, since: float) -> Page:
    async with asyncio.timeout(60):
        async for page in watch(prometheus, since, every=0.1):
            return page
    raise AssertionError("watching ended by itself")


@pytest.mark.slow
async def test_a_burning_budget_pages_once_and_again_after_it_ended(bench: Any, prometheus: Prometheus) -> None:
    orders, start = bench.shop.orders, time.time()
    async with traffic(orders, "error"):
        page = await first(prometheus, start)
    assert (page.name, page.slo, page.runbook, page.policy) == ("OrderBurn", "orders", "order-errors", "rehearsal")
    assert page.labels["severity"] == "page"
    assert start <= page.active_at <= page.fired_at
    async with traffic(orders, "ok"), asyncio.timeout(60):
        while await prometheus.alerts():
            await asyncio.sleep(0.1)
    async with traffic(orders, "error"):
        again = await first(prometheus, page.active_at + 0.001)
    assert again.active_at > page.fired_at


async def test_a_page_from_before_is_not_ours(bench: Any, prometheus: Prometheus) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            async for page in watch(prometheus, time.time() + 3600, every=0.1):
                raise AssertionError(f"{page.name} began before that")


async def test_watching_a_dead_prometheus_ends_after_some_tries() -> None:
    async with Prometheus(f"http://127.0.0.1:{free_port()}", timeout=0.1) as prometheus:
        with pytest.raises(NeedError, match="did not answer"):
            async for _ in watch(prometheus, 0, every=0.01, patience=2):
                raise AssertionError("nothing can page there")
