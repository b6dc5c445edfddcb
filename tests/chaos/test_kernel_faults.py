"""Faults in a network namespace, at a resolver and of a clock: seen by independent clients."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sys
import time
from pathlib import Path

import dns.rcode
import pytest
from stands.kernelnet import PORT, Inside, inside, run
from stands.names import NAME, rcode, resolver

from chaos.faults import KINDS, parse_fault
from chaos.injector import Injector
from flashcrowd.errors import GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component

needs_namespaces = pytest.mark.skipif(
    (obstacle := KINDS["network.drop"].capability()) is not None or os.geteuid() != 0,
    reason=f"no network namespace of one's own: {obstacle or 'not root'}",
)

GET = (
    f"import urllib.request; print(len(urllib.request.urlopen('http://127.0.0.1:{PORT}/PATH', timeout=TIMEOUT).read()))"
)
AGAIN = """
import pathlib, urllib.request
while not pathlib.Path("OVER").exists():
    urllib.request.urlopen("http://127.0.0.1:8000/big", timeout=30).read()
"""
"""Transfers one after the other, with no pause to start a program in."""

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
SEND = """
import socket, urllib.request
def received(): return int(urllib.request.urlopen("http://127.0.0.1:8000/received", timeout=30).read())
before, udp = received(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(2000):
    try: udp.sendto(b"x", ("127.0.0.1", 8000))
    except OSError: pass
print(2000 - (received() - before))
"""


async def python(there: Inside, program: str) -> str:
    return await there.run(sys.executable, "-c", program)


def injector(there: Inside, log) -> Injector:
    it = Component.model_validate({"network": there.network})
    return Injector({"it": it}, Guard(["127.0.0.1"]), log, lambda *event: None)


def fault(kind: str, lasts: str = "60s", **more: object):
    return parse_fault({"kind": kind, "on": "it", "for": lasts, **more})


@needs_namespaces
async def test_dropped_packets_are_a_silence_that_heals_at_once(tmp_path, children, log):
    get = GET.replace("PATH", "").replace("TIMEOUT", "0.5")
    async with inside(tmp_path, children) as there, injector(there, log) as it:
        assert await python(there, get) == "2\n"
        active = await it.inject(fault("network.drop", direction="in"))
        assert active.bite.ok, active.bite.message
        with pytest.raises(AssertionError):
            await python(there, get)
        await active.heal()
        assert await python(there, get) == "2\n"
        assert await there.tables() == []


@needs_namespaces
async def test_the_share_of_lost_datagrams_is_what_was_asked(tmp_path, children, log):
    async with inside(tmp_path, children) as there, injector(there, log) as it:
        await it.inject(fault("network.loss", share="30%", direction="in"))
        lost = int((await python(there, SEND)).strip())
        spread = math.sqrt(2000 * 0.3 * 0.7)
        assert abs(lost - 600) <= 4 * spread


@needs_namespaces
async def test_a_transfer_takes_as_long_as_its_rate_says(tmp_path, children, log):
    get = GET.replace("PATH", "big").replace("TIMEOUT", "30")
    async with inside(tmp_path, children, busy=False) as there, injector(there, log) as it:
        injecting = asyncio.create_task(it.inject(fault("network.rate", rate="8Mbit")))
        start = time.monotonic()
        while not await there.queues():
            await asyncio.sleep(0.01)
            assert time.monotonic() - start < 20
        start = time.monotonic()
        assert await python(there, get) == "1000000\n"
        assert time.monotonic() - start >= 0.7  # a megabyte at a megabyte a second, but for what the queue lets burst
        again = asyncio.create_task(python(there, AGAIN.replace("OVER", str(over := tmp_path / "over"))))
        active = await injecting
        over.touch()
        await again
        assert active.bite.ok, active.bite.message
        await active.heal()
        assert await there.queues() == await there.tables() == []


@needs_namespaces
async def test_the_kernel_ends_a_drop_when_everybody_is_dead(tmp_path, children, log, until):
    """As after a kill of injector and reverter together: only the record is left, and what the kernel does."""
    get = GET.replace("PATH", "").replace("TIMEOUT", "0.3")
    async with inside(tmp_path, children) as there:
        component = Component.model_validate({"network": there.network})
        injection = await fault("network.drop", "1s").prepare("0123456789ab", component, Guard(["127.0.0.1"]))
        await injection.inject()
        with pytest.raises(AssertionError):
            await python(there, get)

        async def is_answered() -> bool:
            with contextlib.suppress(AssertionError):
                return await python(there, get) == "2\n"
            return False

        await until(is_answered)
        assert await there.tables() == ["flashcrowd_0123456789ab"]
        await injection.heal()
        assert await there.tables() == []


@needs_namespaces
async def test_the_command_to_heal_by_hand_heals(tmp_path, children, log, shell):
    async with inside(tmp_path, children) as there, injector(there, log) as it:
        for kind, more in (("network.drop", {}), ("network.rate", {"rate": "1Mbit"})):
            active = await it.inject(fault(kind, **more))
            await shell(active.injection.by_hand())
            assert await there.tables() == await there.queues() == []
            await active.heal()


@needs_namespaces
async def test_a_namespace_that_is_gone_is_healed(tmp_path, children, log):
    async with injector(Inside("gone", tmp_path), log) as it:
        with pytest.raises(NeedError, match=r"network\.namespace: no namespace 'gone' here"):
            await it.inject(fault("network.drop"))
    async with inside(tmp_path, children) as there:
        component = Component.model_validate({"network": there.network})
        injection = await fault("network.drop").prepare("0123456789ab", component, Guard(["127.0.0.1"]))
    await injection.heal()
    assert (await injection.healed()).ok


@needs_namespaces
async def test_our_own_network_is_not_touched(children, tmp_path, log):
    child = children.spawn("sleeper", SLEEPER)
    (file := tmp_path / "it.pid").write_text(str(child.pid))
    it = Component.model_validate({"process": {"pidfile": str(file)}, "network": {"ports": [PORT]}})
    async with Injector({"it": it}, Guard(["127.0.0.1"]), log, lambda *event: None) as injector:
        with pytest.raises(GuardError, match=r"components\.it\.network: .* may not be touched: not-our-network"):
            await injector.inject(fault("network.drop"))
    assert "flashcrowd" not in await run("nft", "list", "tables")


@pytest.mark.parametrize(("mode", "seen"), [("nxdomain", dns.rcode.NXDOMAIN), ("servfail", dns.rcode.SERVFAIL)])
async def test_a_name_fails_as_asked_and_others_do_not(children, log, shell, mode, seen):
    async with resolver(children) as (api, port):
        it = Component.model_validate({"resolver": api})
        async with Injector({"it": it}, Guard(["127.0.0.1"]), log, lambda *event: None) as injector:
            active = await injector.inject(fault("dns.fail", names=[NAME], mode=mode))
            assert active.bite.ok, active.bite.message
            assert await rcode(port) == seen
            assert await rcode(port, "elsewhere.internal") == dns.rcode.NXDOMAIN
            await shell(active.injection.by_hand())
            assert await rcode(port) == dns.rcode.NOERROR


async def test_a_name_that_is_never_answered_is_a_timeout_that_the_resolver_itself_ends(children, until):
    async with resolver(children) as (api, port):
        component = Component.model_validate({"resolver": api})
        injection = await fault("dns.fail", "1s", names=["*.internal"], mode="timeout").prepare(
            "0123456789ab", component, Guard(["127.0.0.1"])
        )
        await injection.inject()
        assert await rcode(port) is None
        assert (await injection.bites()).ok

        async def is_answered() -> bool:
            return await rcode(port) == dns.rcode.NOERROR

        await until(is_answered)


async def test_the_resolver_answers_over_tcp_with_the_zones_addresses(children):
    import dns.asyncquery
    import dns.message

    async with resolver(children) as (_, port):
        answer = await dns.asyncquery.tcp(dns.message.make_query(NAME, "A"), "127.0.0.1", 5, port)
        assert [row.to_text() for rrset in answer.answer for row in rrset] == ["127.0.0.7"]


@pytest.mark.parametrize("by", ["1s", "-500ms", "0s"])
def test_a_skew_that_cannot_be_seen_is_refused(by):
    with pytest.raises(InputError, match="can't be seen in a Date header; write 2s or more"):
        fault("clock.skew", by=by)


async def test_a_process_without_libfaketime_is_told(children, tmp_path):
    child = children.spawn("sleeper", SLEEPER)
    (file := tmp_path / "it.pid").write_text(str(child.pid))
    described = {"process": {"pidfile": str(file)}, "clock": {"faketime": str(tmp_path / "faketime")}}
    with pytest.raises(NeedError, match="runs without libfaketime; start it with LD_PRELOAD"):
        await fault("clock.skew", by="90s").prepare("1", Component.model_validate(described), Guard(["127.0.0.1"]))


async def test_a_clock_file_gets_back_what_it_had(tmp_path: Path):
    file = tmp_path / "faketime"
    component = Component.model_validate({"clock": {"faketime": str(file)}})
    for former in (None, "+0\n"):
        if former is not None:
            file.write_text(former)
        injection = await fault("clock.skew", by="-90s").prepare("1", component, Guard(["127.0.0.1"]))
        await injection.inject()
        assert file.read_text() == "-90.000\n"
        await injection.heal()
        assert (file.read_text() if file.exists() else None) == former
