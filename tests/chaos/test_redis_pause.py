"""`redis.pause`: what a client of a real server feels of it, and how it ends."""

from __future__ import annotations

import asyncio
import shutil
import time

import psutil
import pytest
from stands.outside import answers, redis_server

from chaos.faults import parse_fault
from chaos.injector import Injector
from flashcrowd.errors import GuardError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
GUARD = Guard(["127.0.0.1"])


def pause(commands: str = "all"):
    return parse_fault({"kind": "redis.pause", "on": "cache", "commands": commands, "for": "60s"})


def cache(port: int, **more: str) -> Component:
    return Component.model_validate({"redis": {"url": f"redis://127.0.0.1:{port}/0", **more}})


def injector(port: int, log, **more: str) -> Injector:
    return Injector({"cache": cache(port, **more)}, GUARD, log, lambda *_: None)


async def test_a_client_waits_for_all_commands_until_it_is_healed(tmp_path, children, log):
    port = await redis_server(tmp_path, children)
    async with injector(port, log) as it:
        active = await it.inject(pause())
        assert active.bite.ok, active.bite.message
        waiting = asyncio.ensure_future(answers(port, b"PING", 30.0))
        done, _ = await asyncio.wait([waiting], timeout=1.0)
        assert not done
        healing = time.monotonic()
        await active.heal()
        assert await waiting == b"+PONG\r\n"
        assert time.monotonic() - healing < 5.0


async def test_writes_wait_while_reads_are_answered(tmp_path, children, log):
    port = await redis_server(tmp_path, children)
    async with injector(port, log) as it:
        active = await it.inject(pause("writes"))
        assert active.bite.ok, active.bite.message
        assert await answers(port, b"GET key", 5.0) == b"$-1\r\n"
        assert await answers(port, b"SET key value", 0.5) is None
        await active.heal()
        assert await answers(port, b"SET key value", 5.0) == b"+OK\r\n"


async def test_the_command_by_hand_ends_it(tmp_path, children):
    port = await redis_server(tmp_path, children)
    injection = await pause().prepare("0123456789ab", cache(port), GUARD)
    await injection.inject()
    try:
        assert (await injection.bites()).ok
        process = await asyncio.create_subprocess_shell(injection.by_hand())
        assert await process.wait() == 0
        assert await answers(port, b"PING", 5.0) == b"+PONG\r\n"
        assert (await injection.healed()).ok
    finally:
        await injection.heal()


async def test_a_password_is_taken_from_the_environment_and_recorded_nowhere(tmp_path, children, log, monkeypatch):
    monkeypatch.setenv("CACHE_PASSWORD", "not-to-be-written")
    port = await redis_server(tmp_path, children, "--requirepass", "not-to-be-written")
    async with injector(port, log, password_env="CACHE_PASSWORD") as it:
        active = await it.inject(pause())
        assert active.bite.ok, active.bite.message
        assert "not-to-be-written" not in log.path(active.id).read_text() + active.injection.by_hand()
    monkeypatch.setenv("CACHE_PASSWORD", "another")
    with pytest.raises(NeedError, match="answers PING with WRONGPASS"):
        await pause().prepare("0123456789ab", cache(port, password_env="CACHE_PASSWORD"), GUARD)
    with pytest.raises(NeedError, match="answers PING with NOAUTH"):
        await pause().prepare("0123456789ab", cache(port), GUARD)


async def test_a_user_who_may_not_pause_is_told_by_the_server(tmp_path, children, log, monkeypatch):
    monkeypatch.setenv("CACHE_PASSWORD", "reads-only")
    port = await redis_server(tmp_path, children, "--user", *["reader", "on", ">reads-only", "~*", "+ping"])
    async with injector(port, log, user="reader", password_env="CACHE_PASSWORD") as it:
        with pytest.raises(NeedError, match=r"redis can't be held: NOPERM"):
            await it.inject(pause())
    assert log.all() == []


async def test_a_server_that_has_gone_is_healed(tmp_path, children, log):
    port = await redis_server(tmp_path, children)
    async with injector(port, log) as it:
        active = await it.inject(pause())
        (server,) = [one for one in psutil.Process().children() if one.name() == "redis-server"]
        server.kill()
        probe = await active.heal()
        assert probe.ok
        assert "nothing listens" in probe.message


async def test_elsewhere_and_nobody_are_refused_before_anything_is_paused():
    with pytest.raises(GuardError, match=r"components\.cache\.redis\.url: 192\.0\.2\.1 is not in allow_hosts"):
        elsewhere = Component.model_validate({"redis": {"url": "redis://192.0.2.1/0"}})
        await pause().prepare("0123456789ab", elsewhere, GUARD)
    with pytest.raises(NeedError, match=r"Redis at 127\.0\.0\.1:1: connection refused"):
        await pause().prepare("0123456789ab", cache(1), GUARD)
    assert pause().check(Component()) == "cache has no redis; give it one (url) in the target file"
