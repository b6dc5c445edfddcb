"""Tests of behaviour data: when it becomes visible, and what gives way when the consumer is slow."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest

from storefront.behaviour import CAPACITY, MEMORY, Behaviour, Event

from .conftest import Client, Storefront, eventually, standing

numbers = count(1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storefront]:
    with standing(tmp_path_factory.mktemp("events"), "events") as made:
        yield made


@pytest.fixture
def storefront(shared: Storefront) -> Storefront:
    return shared


@pytest.fixture
async def events(visitor: Client) -> AsyncIterator[Client]:
    """A client of an events service that is left as it was found."""
    yield visitor
    await call(visitor, "/admin/consumer", {"rate": None})
    await call(visitor, "/admin/shedding", {"low_priority": False})


async def call(client: Client, path: str, body: Any) -> tuple[int, Any]:
    return await client.call("POST", path, body, client.storefront.url("events"))


async def send(client: Client, *kinds: str) -> list[str]:
    """Send one event of each kind in one batch; their numbers."""
    ids = [f"e{next(numbers)}" for _ in kinds]
    batch = [{"id": id_, "kind": kind, "at": 1.5, "value": 3} for id_, kind in zip(ids, kinds, strict=True)]
    assert (await call(client, "/events", batch))[0] == 202
    return ids


async def fate(client: Client, number: str) -> int:
    return (await client.call("GET", f"/events/{number}", base=client.storefront.url("events")))[0]


async def test_an_event_becomes_visible(events: Client) -> None:
    sent = await send(events, "click", "view")

    async def visible() -> bool:
        return [await fate(events, number) for number in sent] == [200, 200]

    await eventually(visible)
    _, body = await events.call("GET", f"/events/{sent[0]}", base=events.storefront.url("events"))
    assert body["visible_at"] > 1_600_000_000
    assert await fate(events, "never-sent") == 404
    assert await events.metric("events", "events_freshness_seconds") == 0
    assert await events.metric("events", "events_visible_seconds_count") >= 2


async def test_a_slow_consumer_lets_data_age_and_shedding_keeps_clicks_fresh(events: Client) -> None:
    assert await call(events, "/admin/consumer", {"rate": 5}) == (200, {"rate": 5})
    await send(events, *["view", "like", "dwell"] * 100)
    late = (await send(events, "click"))[0]

    async def aged() -> bool:
        return await events.metric("events", "events_freshness_seconds") > 1

    await eventually(aged)
    assert await fate(events, late) == 404
    assert await call(events, "/admin/shedding", {"low_priority": True}) == (200, {"low_priority": True})

    async def visible() -> bool:
        return await fate(events, late) == 200

    await eventually(visible)
    assert await events.metric("events", 'events_total{outcome="shed"}') > 100
    clicks = await send(events, *["click"] * 3)

    async def all_visible() -> bool:
        return [await fate(events, number) for number in clicks] == [200] * 3

    await eventually(all_visible)


async def test_what_makes_no_sense_is_refused(events: Client) -> None:
    for body in ({}, [3], [{"kind": "view"}], [{"id": "", "kind": "view"}], [{"id": "e", "kind": "view"}] * 1001):
        assert (await call(events, "/events", body))[0] == 400
    assert (await call(events, "/admin/consumer", {"rate": 0}))[0] == 400
    assert (await call(events, "/admin/consumer", {}))[0] == 400
    assert (await call(events, "/admin/shedding", {}))[0] == 400


def test_the_queue_is_bounded() -> None:
    behaviour = Behaviour()
    assert behaviour.take([Event(str(n), "click", 0.0) for n in range(CAPACITY)]) == 0
    assert behaviour.take([Event("one-more", "click", 0.0)]) is None


async def test_what_is_remembered_of_events_is_bounded() -> None:
    behaviour = Behaviour()
    processing = asyncio.create_task(behaviour.run())
    for start in range(0, MEMORY + 1000, 1000):
        assert behaviour.take([Event(str(start + n), "click", 0.0) for n in range(1000)]) == 0
        await asyncio.sleep(0)

    async def processed() -> bool:
        return behaviour.became(str(MEMORY + 999))[0]

    await eventually(processed)
    processing.cancel()
    assert not behaviour.became("0")[0]
    assert behaviour.became("1000")[0]


async def test_what_nobody_asks_for_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront.behaviour.REMEMBERED", 0.05)
    behaviour = Behaviour()
    running = asyncio.create_task(behaviour.run())
    try:
        behaviour.take([Event("old", "click", time.time())])
        await asyncio.sleep(0.1)
        behaviour.take([Event("new", "click", time.time())])

        async def visible() -> bool:
            return behaviour.became("new")[0]

        await eventually(visible)
        assert not behaviour.became("old")[0]
    finally:
        running.cancel()
