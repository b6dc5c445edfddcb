"""Faults of a link: what was asked is what a client of our own measures, and what can't be is told."""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest
from stands.links import link

import chaos.kinds.request_fault
from chaos.faults import parse_fault
from chaos.injector import Injector
from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor
from flashcrowd.target import Component

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def fault(kind: str, **more: object):
    return parse_fault({"kind": kind, "on": "it", "for": "60s", **more})


@pytest.fixture
async def it(children: Supervisor):
    """A component behind the proxy; and where its clients connect."""
    async with link(children) as (described, client):
        listen = (await client.get("/proxies/inventory")).json()["listen"]
        host, _, port = listen.rpartition(":")
        yield Component.model_validate(described), (host, int(port)), client


def injecting(it, log) -> Injector:
    return Injector({"it": it[0]}, Guard(["127.0.0.1"]), log, lambda *event: None)


async def first_byte(address: tuple[str, int]) -> float:
    """Milliseconds from the request to the first byte of its answer."""
    reader, writer = await asyncio.open_connection(*address)
    start = time.monotonic()
    writer.write(GET)
    await asyncio.wait_for(reader.readexactly(1), 20)
    writer.close()
    return 1000 * (time.monotonic() - start)


async def test_a_latency_is_within_a_tenth_of_what_was_asked(it, log):
    async with injecting(it, log) as injector:
        before = statistics.median([await first_byte(it[1]) for _ in range(5)])
        active = await injector.inject(fault("network.latency", delay="300ms"))
        # The quickest of some tells what the link adds: a busy machine only makes it more.
        added = min([await first_byte(it[1]) for _ in range(5)]) - before
        assert added + before >= 300
        assert added <= 330
        assert active.bite.figures["p50_ms"] >= 300


async def test_a_share_of_connections_is_slow_and_the_others_are_not(it, log):
    async with injecting(it, log) as injector:
        active = await injector.inject(fault("network.latency", delay="500ms", share="40%"))
        assert active.bite.ok, active.bite.message
        assert "connections" in active.bite.message
        times = await asyncio.gather(*(first_byte(it[1]) for _ in range(40)))
        slow = sum(one >= 500 for one in times)
        assert 3 <= slow <= 32  # 16, give or take four standard deviations


async def test_a_link_is_not_taken_down_twice(it, log):
    async with injecting(it, log) as injector:
        await injector.inject(fault("network.down"))
        with pytest.raises(ConnectionRefusedError):
            await first_byte(it[1])
        with pytest.raises((InputError, NeedError), match="is disabled already; whoever did that enables it"):
            await injector.inject(fault("network.down"))
    assert await first_byte(it[1]) > 0


@pytest.mark.parametrize("kind", ["network.down", "network.timeout"])
async def test_the_command_to_heal_by_hand_heals(it, log, shell, kind):
    async with injecting(it, log) as injector:
        active = await injector.inject(fault(kind))
        await shell(active.injection.by_hand())
        assert await first_byte(it[1]) > 0


async def test_a_toxic_that_the_proxy_does_not_know_is_told_and_nothing_is_left(it, log):
    async with injecting(it, log) as injector:
        with pytest.raises(NeedError, match="invalid toxic type"):
            await injector.inject(fault("toxiproxy", type="glue"))
    assert log.all() == []


async def test_requests_of_the_platforms_own_show_a_fault_that_ours_are_not_struck_by(it, log):
    over = asyncio.Event()

    async def traffic() -> None:
        while not over.is_set():
            reader, writer = await asyncio.open_connection(*it[1])
            writer.write(GET.replace(b"GET / ", b"GET /orders "))
            await reader.read()
            writer.close()
            await asyncio.sleep(0.02)

    async with injecting(it, log) as injector:
        asking = asyncio.create_task(traffic())
        active = await injector.inject(fault("http.error", path="/orders"))
        over.set()
        await asking
        assert active.bite.ok
        assert "answered" in active.bite.message


async def test_without_a_request_that_it_strikes_a_fault_does_not_bite(it, log, monkeypatch):
    monkeypatch.setattr(chaos.kinds.request_fault, "TRAFFIC", 0.2)
    async with injecting(it, log) as injector:
        active = await injector.inject(fault("http.error", path="/orders"))
        assert not active.bite.ok
        assert "none for /orders was struck" in active.bite.message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kind": "network.bandwidth", "rate": "fast"}, "is not a bit rate"),
        ({"kind": "network.slicer", "size": 10, "variation": 10}, "is not less than size 10"),
        ({"kind": "network.latency", "delay": "1s", "share": "0%"}, "greater than 0"),
        ({"kind": "http.error", "status": 200}, "greater than or equal to 400"),
        ({"kind": "http.delay", "delay": "1s", "jitter": "2s"}, "jitter 2s is more than delay 1s"),
        ({"kind": "toxiproxy"}, "type"),
    ],
)
def test_a_wrong_parameter_is_told(words, message):
    with pytest.raises(InputError, match=message):
        fault(**words)


def test_faults_say_what_they_are():
    told = [
        fault("network.bandwidth", rate="800kbit").describe(),
        fault("http.error", status=503, share="30%", path="/orders", method="POST").describe(),
        fault("network.timeout", share="50%").describe(),
        fault("toxiproxy", type="limit_data", attributes={"bytes": 10}).describe(),
    ]
    assert told == [
        "network.bandwidth on it, 800kbit a second for 1m",
        "http.error on it, 503 for 30 % of POST /orders, for 1m",
        "network.timeout on it, silent, 50 % of connections for 1m",
        "toxiproxy on it, limit_data bytes 10 for 1m",
    ]
