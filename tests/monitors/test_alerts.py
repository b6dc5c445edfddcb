from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from flashcrowd.errors import NeedError
from flashcrowd.process import free_port
from monitors.alerts import Page, Pager, watch
from monitors.prometheus import Alert, Prometheus


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


@dataclass
class Teller:
    """Tells of whatever it is told to, or doesn't answer."""

    firing: list[Alert] = field(default_factory=list)
    answers: bool = True
    looks: int = 0

    async def alerts(self) -> list[Alert]:
        self.looks += 1
        if not self.answers:
            raise NeedError("it did not answer")
        return list(self.firing)


def alert(active_at: float, source: str = "prometheus", suppressed: str | None = None, **labels: str) -> Alert:
    told = {"severity": "page", "alertname": "Burn", "pair": "1h", **labels}
    return Alert("Burn", told, {}, "firing", active_at, suppressed, source)


@asynccontextmanager
async def listening(source: Any) -> AsyncIterator[list[Page]]:
    """The pages, as they come."""
    pages = list[Page]()

    async def listen() -> None:
        async for page in watch(source, 0, every=0.005):
            pages.append(page)

    task = asyncio.create_task(listen())
    try:
        yield pages
    finally:
        task.cancel()


async def seen(teller: Teller, pages: list[Page], number: int) -> None:
    """So many pages, and no more after three more looks."""
    async with asyncio.timeout(10):
        while len(pages) < number:
            await asyncio.sleep(0.005)
        looks = teller.looks
        while teller.looks < looks + 3:
            await asyncio.sleep(0.005)
    assert len(pages) == number


async def test_the_other_source_tells_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alertmanager's times are rounded, its labels have the external ones, and a `for` has passed when it hears."""
    monkeypatch.setattr("monitors.alerts.SILENT_FOR", 0.02)
    manager = Teller(
        [
            alert(100.123, "alertmanager", cluster="a"),
            alert(160, "alertmanager", pair="6h", cluster="a"),
            alert(100, "alertmanager", "silenced by anna: moving", pair="1d", cluster="a"),
        ]
    )
    prometheus, lost = Teller([alert(100.1234), alert(100, pair="6h"), alert(100, pair="1d")]), list[str]()
    async with listening(Pager(prometheus, manager, lost.append)) as pages:
        await seen(manager, pages, 3)
        manager.answers = False
        await seen(prometheus, pages, 3)
        prometheus.firing.append(alert(170, pair="3d"))  # another pair
        await seen(prometheus, pages, 4)
        prometheus.firing[0] = alert(180)  # ended and begun anew
        await seen(prometheus, pages, 5)
        manager.answers = True
        manager.firing = [alert(190, "alertmanager")]
        await seen(prometheus, pages, 5)
    assert [page.source for page in pages] == ["alertmanager"] * 3 + ["prometheus"] * 2
    assert lost == ["it did not answer"]


async def test_an_alertmanager_that_misses_a_look_is_not_gone() -> None:
    manager, lost = Teller([alert(100, "alertmanager")]), list[str]()
    pager = Pager(Teller([alert(100)]), manager, lost.append)
    before = await pager.alerts()
    manager.answers = False
    assert await pager.alerts() == before
    manager.answers = True
    assert [one.source for one in await pager.alerts()] == ["alertmanager"]
    assert lost == []


async def test_a_silence_is_told_once_and_a_page_that_is_silenced_afterwards_stays_one() -> None:
    quiet, loud = alert(100, "alertmanager", "silenced by anna: moving"), alert(100, "alertmanager")
    source = Teller([quiet])
    async with listening(source) as pages:
        await seen(source, pages, 1)
        source.firing = [loud]
        await seen(source, pages, 2)
        source.firing = [quiet]
        await seen(source, pages, 2)
    assert [page.suppressed for page in pages] == ["silenced by anna: moving", None]
