"""Faults of requests: seen on the platform's own, where ours aren't struck."""

from __future__ import annotations

import asyncio

import pytest
from stands.links import link

import chaos.kinds.request_fault
from chaos.faults import parse_fault
from chaos.injector import Injector
from flashcrowd.errors import InputError
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
        ({"kind": "http.error", "status": 200}, "greater than or equal to 400"),
        ({"kind": "http.delay", "delay": "1s", "jitter": "2s"}, "jitter 2s is more than delay 1s"),
    ],
)
def test_a_wrong_parameter_is_told(words, message):
    with pytest.raises(InputError, match=message):
        fault(**words)


def test_a_fault_says_which_requests_it_strikes():
    told = fault("http.error", status=503, share="30%", path="/orders", method="POST").describe()
    assert told == "http.error on it, 503 for 30 % of POST /orders, for 1m"
