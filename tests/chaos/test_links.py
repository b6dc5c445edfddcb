"""Faults of links: each one's effect in a client's own measurement, how it is told, refused, ended, healed by hand."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from quickest import quickest
from stands.links import HOST, SERVICE, STANDS

from chaos.faults import parse_fault
from chaos.injector import Injected, Injector
from chaos.kinds.asking import Question, enough
from flashcrowd.errors import GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import accepts, free_port, spawn
from flashcrowd.target import Component

KINDS = [kind for kind in STANDS if not kind.startswith("http.")]

QUICK = {
    "network.latency": {"delay": "100ms"},
    "network.bandwidth": {"rate": "400kbit"},
    "network.slow_close": {"delay": "100ms"},
    "network.slicer": {"size": 500, "delay": "2ms"},
    "toxiproxy": {"type": "limit_data", "attributes": {"bytes": 1000}},
}
"""What each kind must be told, so that it is quick to be seen."""

SORTS = ("network.down", "network.latency")
"""The proxy itself is closed, or has a toxic, as in all other kinds."""


class Link:
    """A service behind the proxy, an injector for it, and clients that connect through the proxy."""

    def __init__(self, component: dict[str, Any], api: httpx.AsyncClient, injector: Injector, near: str) -> None:
        self.component, self.api, self._injector, self.near = component, api, injector, near

    async def inject(self, kind: str, **parameters: object) -> Injected:
        return await self._injector.inject(parse_fault({"kind": kind, "on": "it", "for": "60s", **parameters}))

    async def get(self, path: str = "/") -> tuple[float, httpx.Response]:
        """A new connection's answer, and the seconds until the whole of it was there."""
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            start = time.monotonic()
            answer = await client.get(f"http://{self.near}{path}")
            return time.monotonic() - start, answer

    async def is_whole(self) -> bool:
        """Whether its proxy is as if nothing had been done to it."""
        shown = (await self.api.get("/proxies/inventory")).json()
        return bool(shown["enabled"]) and not shown["toxics"]

    async def took(self, count: int = 5) -> float:
        return statistics.median([(await self.get())[0] for _ in range(count)])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """An HTTP service, a process of its own. Host and port."""
    port = free_port()
    child = spawn("shop", [sys.executable, "-c", SERVICE, str(port)], tmp_path_factory.mktemp("shop") / "log", {})
    asyncio.run(child.ready(lambda: accepts(HOST, port)))
    yield HOST, port
    child.kill()
    asyncio.run(child.wait())


@pytest.fixture
async def linked(proxy, shop, log):
    """Makes a link to the service whose proxy is called `inventory`; what a target file says otherwise may be said."""
    await proxy.create("inventory", shop)

    @asynccontextmanager
    async def make(allowed: str = HOST, **more: object) -> AsyncIterator[Link]:
        component = {"link": {"toxiproxy": proxy.url, "proxy": "inventory", **more}}
        near = (await proxy.client.get("/proxies/inventory")).json()["listen"]
        it = Component.model_validate(component)
        async with Injector({"it": it}, Guard([allowed]), log, lambda kind, data: None) as injector:
            yield Link(component, proxy.client, injector, near)

    return make


@pytest.fixture
async def it(linked) -> AsyncIterator[Link]:
    async with linked() as made:
        yield made


async def test_latency_is_within_a_tenth_of_what_was_asked_and_told(it):
    before = await quickest(lambda: it.took(1), 0.0)
    active = await it.inject("network.latency", delay="500ms", jitter="0s")
    assert active.bite.ok
    assert 500 <= active.bite.figures["p50_ms"] < 1000
    assert 0.45 <= await quickest(lambda: it.took(1), before + 0.55) - before <= 0.55
    await active.heal()
    assert await quickest(lambda: it.took(1), 0.4) < 0.4


async def test_a_small_share_of_connections_is_seen_by_asking_many(it):
    active = await it.inject("network.latency", delay="400ms", share="12 %")
    assert active.bite.ok
    assert active.bite.figures["asked"] == enough(0.12) == 55
    assert active.bite.figures["struck"] >= 1
    assert f"{active.bite.figures['struck']} of 55 connections, p50 " in active.bite.message
    slow = sum(took >= 0.4 for took, _ in await asyncio.gather(*(it.get() for _ in range(5))))
    assert slow < 5


async def test_bandwidth_slows_a_transfer_to_its_rate(it):
    active = await it.inject("network.bandwidth", rate="160kbit")
    assert active.bite.ok
    assert 80_000 < active.bite.figures["bits_per_second"] <= 176_000
    # 4 KiB and a head at 20,000 bytes a second.
    assert 0.2 <= await it.took(2) < 2


async def test_a_link_that_is_down_refuses_everyone_and_once_only(it):
    active = await it.inject("network.down")
    assert active.bite.ok
    with pytest.raises(httpx.ConnectError):
        await it.get()
    assert (await it.api.get("/proxies/inventory")).json()["enabled"] is False
    with pytest.raises(InputError, match=r"the proxy inventory at .* is disabled already; whoever did that enables it"):
        await it.inject("network.down")
    assert (await active.heal()).ok
    assert (await it.get())[1].status_code == 200


async def test_a_link_that_its_user_has_closed_stays_so(it):
    await it.api.post("/proxies/inventory", json={"enabled": False})
    with pytest.raises(InputError, match="is disabled already"):
        await it.inject("network.down")
    assert (await it.api.get("/proxies/inventory")).json()["enabled"] is False


async def test_a_silent_link_answers_nobody(it):
    active = await it.inject("network.timeout")
    assert active.bite.ok
    assert active.bite.figures["silent"] == 5
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(it.get(), 0.5)


async def test_a_silent_link_closes_its_connections_after_a_while(it):
    await it.inject("network.timeout", close_after="300ms")
    start = time.monotonic()
    with pytest.raises(httpx.TransportError):
        await it.get()
    assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
async def test_connections_are_reset(it, stream):
    active = await it.inject("network.reset", after="100ms", stream=stream)
    assert active.bite.ok
    assert active.bite.figures["reset"] == 5
    with pytest.raises(httpx.ReadError):
        await it.get()


async def test_the_end_of_a_connection_comes_late(it):
    active = await it.inject("network.slow_close", delay="500ms")
    assert active.bite.ok
    assert active.bite.figures["late_ms"] >= 250
    host, port = it.near.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    start = time.monotonic()
    writer.write(b"GET / HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"xxxx")
    assert time.monotonic() - start >= 0.5
    writer.close()


async def test_an_answer_comes_in_slices(it):
    active = await it.inject("network.slicer", size=400, variation=50, delay="10ms")
    assert active.bite.ok
    assert active.bite.figures["pieces"] > active.bite.figures["before"]
    assert await it.took(2) >= 0.01 * (4096 / 450 - 1)


async def test_any_toxic_of_the_proxys_bites(it):
    active = await it.inject("toxiproxy", type="limit_data", attributes={"bytes": 3000})
    assert active.bite.ok
    assert "5 of 5 broke off" in active.bite.message
    with pytest.raises(httpx.RemoteProtocolError):
        await it.get()
    assert (await active.heal()).ok
    assert len((await it.get())[1].content) == 4096


async def test_a_toxic_that_changes_nothing_did_not_bite(it):
    active = await it.inject("toxiproxy", type="limit_data", attributes={"bytes": 10**9})
    assert not active.bite.ok


async def test_a_toxic_that_the_proxy_does_not_know_is_told(it):
    with pytest.raises(NeedError, match=r"/proxies/inventory/toxics was answered with 400 .*invalid toxic type"):
        await it.inject("toxiproxy", type="glue")


@pytest.mark.parametrize("kind", SORTS)
async def test_the_command_for_people_heals(it, kind):
    active = await it.inject(kind, **QUICK.get(kind, {}))
    assert active.bite.ok
    command = f"{active.injection.by_hand()} --noproxy '*' --silent --fail --output /dev/null"
    await asyncio.to_thread(subprocess.run, command, shell=True, check=True)
    assert await it.is_whole()
    assert (await active.injection.healed()).ok
    assert (await it.get())[1].status_code == 200


@pytest.mark.parametrize("kind", SORTS)
async def test_our_proxy_ends_a_fault_by_itself_when_nobody_is_left_to_heal(it, kind, until):
    fault = parse_fault({"kind": kind, "on": "it", "for": "60s", **QUICK.get(kind, {})})
    injection = await fault.prepare("0123456789ab", Component.model_validate(it.component), Guard([HOST]))
    assert injection.ttl == 61
    await injection.model_copy(update={"ttl": 0.3}).inject()
    assert not await it.is_whole()
    await until(it.is_whole)


@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        ("network.bandwidth", {"rate": "800"}, "rate: "),
        ("network.bandwidth", {"rate": "7kbit"}, "rate: "),
        ("network.bandwidth", {"rate": "1Mbit", "stream": "upstream"}, "stream: "),
        ("network.latency", {"delay": "1s", "share": 0}, "share: "),
        ("network.latency", {"delay": "1s", "stream": "sideways"}, "stream: "),
        ("network.timeout", {"close_after": "-1s"}, "close_after: "),
        ("network.reset", {"after": 5}, "after: "),
        ("network.slow_close", {}, "delay: "),
        ("network.slicer", {"size": 8, "variation": 8}, "variation 8 is not less than size 8"),
        ("network.slicer", {"size": 0}, "size: "),
        ("network.down", {"share": 0.5}, "share: unknown field"),
        ("toxiproxy", {}, "type: "),
    ],
)
def test_a_wrong_parameter_is_told_with_its_place(kind, wrong, message):
    with pytest.raises(InputError) as caught:
        parse_fault({"kind": kind, "on": "it", "for": "60s", **wrong})
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_component_without_a_link_is_refused(kind):
    fault = parse_fault({"kind": kind, "on": "it", "for": "60s", **QUICK.get(kind, {})})
    assert fault.check(Component()) == "it has no link; give it one (toxiproxy, proxy) in the target file"


@pytest.mark.parametrize("kind", SORTS)
async def test_a_link_outside_the_allowed_hosts_is_left_alone(linked, kind):
    async with linked(allowed="192.0.2.1") as it:
        with pytest.raises(GuardError, match=r"components\.it\.link"):
            await it.inject(kind, **QUICK.get(kind, {}))
        assert await it.is_whole()


async def test_a_proxy_that_is_not_there_is_told_with_the_ones_that_are(linked):
    async with linked(proxy="inventry") as it:
        with pytest.raises(NeedError, match=r"no proxy 'inventry' at .*; did you mean 'inventory'\?"):
            await it.inject("network.down")


async def test_asking_many_overflows_no_backlog(shop):
    answers = await Question(host=shop[0], port=shop[1], path="/").ask(60, 5.0)
    # The service's backlog is five; one who finds it full is let in a second later at the earliest.
    assert statistics.quantiles([answer.first for answer in answers], n=10)[-1] < 0.9
