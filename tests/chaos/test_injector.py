"""The life of a fault: every step in order, and healed however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import ClassVar

import httpx
import pytest
import uvicorn

import chaos.clients.toxiproxy
import chaos.injector
from chaos.fault import Fault, Injection
from chaos.faults.network_latency import LatencyInjection, NetworkLatency
from chaos.recovery import ActiveFault, Outcome, recover, status
from chaos.undolog import UndoLog
from flashcrowd.errors import GuardError, InputError, NeedError, UnhealedError
from flashcrowd.process import accepts, free_port


async def answer_time(address) -> float:
    start = time.monotonic()
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        await client.get(f"http://{address[0]}:{address[1]}/")
    return time.monotonic() - start


async def test_the_whole_life_of_a_fault(proxy, service, injector, latency, log, told):
    address = await proxy.create("inventory", service)
    async with injector("inventory") as it:
        active = await it.inject(latency())
        assert active.bite.ok
        assert active.bite.figures["p50_ms"] >= 300
        assert await proxy.toxics("inventory") == [f"flashcrowd-{active.id}"]
        assert await answer_time(address) >= 0.3
        (open_now,) = status(log)
        assert isinstance(open_now, ActiveFault)
        assert (open_now.id, open_now.on, open_now.run) == (active.id, "inventory", "a-run")
        assert open_now.injector == os.getpid()
        assert open_now.injector_alive
        assert open_now.reverter_alive
        assert 59 < open_now.expires_at - open_now.injected_at <= 60
        probe = await active.heal()
        assert probe.ok
        assert probe.figures["back"] is True
        assert await active.heal() == probe
        assert await proxy.toxics("inventory") == []
    assert [kind for kind, _ in told] == ["armed", "injected", "bites", "healed"]
    assert all((data["fault"], data["on"]) == ("network.latency", "inventory") for _, data in told)
    assert told[2][1]["message"].startswith("p50 ")
    assert log.all() == []


async def test_the_command_to_heal_by_hand_heals(proxy, service, injector, latency):
    await proxy.create("inventory", service)
    async with injector("inventory") as it:
        active = await it.inject(latency(delay="300ms"))
        words = active.injection.by_hand().split()
        assert words[:3] == ["curl", "-X", "DELETE"]
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.delete(words[3].strip("'"))).status_code == 204
        assert (await active.heal()).ok


async def test_leaving_heals_everything_the_youngest_first(proxy, service, injector, latency, log, told):
    for name in ("inventory", "cache"):
        await proxy.create(name, service)
    with pytest.raises(RuntimeError, match="the load broke"):
        async with injector("inventory", "cache") as it:
            await it.inject(latency("inventory", delay="300ms"))
            await it.inject(latency("cache", delay="300ms"))
            raise RuntimeError("the load broke")
    assert [data["on"] for kind, data in told if kind == "healed"] == ["cache", "inventory"]
    assert await proxy.toxics("inventory") == await proxy.toxics("cache") == []
    assert log.all() == []


async def test_a_reverter_that_starts_slowly_takes_nothing_of_the_faults_time(
    proxy, service, injector, latency, tmp_path, monkeypatch
):
    (tmp_path / "sitecustomize.py").write_text("import time; time.sleep(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    await proxy.create("inventory", service)
    async with injector("inventory") as it:
        active = await it.inject(latency(delay="300ms", lasts="2s"))
        assert active.bite.ok


async def test_a_users_own_toxics_stay(proxy, service, injector, latency):
    await proxy.create("inventory", service)
    await proxy.add_latency("inventory", 1, name="mine")
    async with injector("inventory") as it:
        await it.inject(latency(delay="300ms"))
    assert await proxy.toxics("inventory") == ["mine"]


async def test_a_fault_on_a_link_that_another_keeps_slow_is_healed_all_the_same(
    proxy, service, injector, latency, told
):
    await proxy.create("inventory", service)
    async with injector("inventory") as faults:
        first = await faults.inject(latency(delay="300ms", lasts="30s"))
        await faults.inject(latency(delay="2s", lasts="30s"))
        probe = await first.heal()
        assert probe.ok
        assert "removed, but" in probe.message
        assert probe.figures["back"] is False
    assert "heal_failed" not in [kind for kind, _ in told]


async def test_cancelling_twice_does_not_skip_healing(proxy, service, injector, latency, log):
    await proxy.create("inventory", service)
    holding = asyncio.Event()

    async def hold() -> None:
        async with injector("inventory") as it:
            await it.inject(latency())
            holding.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(hold())
    await holding.wait()
    while not task.done():
        task.cancel()
        await asyncio.sleep(0.001)
    assert task.cancelled()
    assert await proxy.toxics("inventory") == []
    assert log.all() == []


async def test_cancelling_the_injection_leaves_nothing(proxy, service, injector, latency, log):
    await proxy.create("inventory", service)
    async with injector("inventory") as it:
        for wait in (0.0, 0.005, 0.02, 0.05, 0.1, 0.2):
            task = asyncio.create_task(it.inject(latency(delay="100ms")))
            await asyncio.sleep(wait)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                await task.result().heal()
            assert await proxy.toxics("inventory") == []
            assert log.all() == []


async def test_a_link_that_is_not_probed_did_not_bite(proxy, service, injector, latency, told):
    await proxy.create("inventory", service)
    async with injector("inventory", probe=None) as it:
        active = await it.inject(latency(delay="300ms"))
        assert not active.bite.ok
    kinds = dict(told)
    assert "no probe in the target file" in kinds["did_not_bite"]["message"]
    assert "bites" not in kinds


async def test_a_link_that_was_dead_before_did_not_bite(proxy, injector, latency, told):
    async with await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0) as server:
        nobody = server.sockets[0].getsockname()
    await proxy.create("inventory", nobody)
    async with injector("inventory") as it:
        await it.inject(latency(delay="300ms"))
    assert "wasn't answered before the fault either" in dict(told)["did_not_bite"]["message"]


async def test_a_proxy_that_takes_a_toxic_and_does_nothing_did_not_bite(service, injector, latency, told):
    """A stand-in for a Toxiproxy that isn't in the path: its listener leads past it."""
    host, port = service
    toxics: set[str] = set()

    async def api(scope, receive, send):
        verb, path = scope["method"], scope["path"]
        status, body = 200, b"{}"
        if path == "/proxies":
            body = f'{{"inventory": {{"listen": "{host}:{port}"}}}}'.encode()
        elif verb == "POST":
            toxics.add("it")
        elif verb == "DELETE":
            toxics.clear()
            status, body = 204, b""
        elif not toxics:
            status = 404
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    at = free_port()
    server = uvicorn.Server(uvicorn.Config(api, port=at, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not await accepts("127.0.0.1", at):
        await asyncio.sleep(0.01)
    try:
        async with injector("inventory", url=f"http://127.0.0.1:{at}") as it:
            active = await it.inject(latency(delay="5s"))
            assert not active.bite.ok
    finally:
        server.should_exit = True
        await serving
    assert "5000 ms asked" in dict(told)["did_not_bite"]["message"]


class BrokenInjection(LatencyInjection):
    """Breaks off when the toxic is in place."""

    async def inject(self) -> None:
        await super().inject()
        raise NeedError("the cable was pulled")


class LateInjection(LatencyInjection):
    """Injects when its time is up, as a process does that was stopped meanwhile."""

    async def inject(self) -> None:
        await asyncio.sleep(0.3)
        await super().inject()


class Spoilt(NetworkLatency):
    spoilt: ClassVar[type[LatencyInjection]]

    async def prepare(self, identity, component, guard) -> LatencyInjection:
        good = await super().prepare(identity, component, guard)
        return self.spoilt.model_validate(good.model_dump())


def spoilt(how: type[Injection], lasts: str) -> Fault:
    kind = type("Spoilt", (Spoilt,), {"spoilt": how, "__module__": __name__})
    return kind.model_validate({"on": "inventory", "delay": "50ms", "for": lasts})


async def test_an_injection_that_fails_half_way_is_undone(proxy, service, injector, log, told):
    await proxy.create("inventory", service)
    async with injector("inventory") as it:
        with pytest.raises(NeedError, match="the cable was pulled"):
            await it.inject(spoilt(BrokenInjection, "60s"))
        assert await proxy.toxics("inventory") == []
        assert log.all() == []
    assert [kind for kind, _ in told] == ["armed", "healed"]


async def test_an_injection_after_its_time_is_undone(proxy, service, injector, log):
    await proxy.create("inventory", service)
    async with injector("inventory") as it:
        with pytest.raises(NeedError, match="came too late"):
            await it.inject(spoilt(LateInjection, "200ms"))
        assert await proxy.toxics("inventory") == []
    assert log.all() == []


async def test_what_may_not_be_touched_is_refused_before_the_first_packet(proxy, service, injector, latency, log, told):
    await proxy.create("inventory", service)
    async with injector("inventory", allowed="10.0.0.0/8") as it:
        with pytest.raises(GuardError, match=r"components\.inventory\.link\.toxiproxy"):
            await it.inject(latency())
    assert told == []
    assert log.all() == []


async def test_an_unknown_component_or_proxy_is_told_with_the_near_one(proxy, service, injector, latency):
    await proxy.create("inventori", service)
    async with injector("inventory") as it:
        with pytest.raises(InputError, match="no component 'inventry' in the target; did you mean 'inventory'"):
            await it.inject(latency("inventry"))
        with pytest.raises(NeedError, match=r"no proxy 'inventory' at .*; did you mean 'inventori'"):
            await it.inject(latency())


async def test_a_proxy_that_is_not_there_is_told_before_anything(injector, latency, log):
    async with injector("inventory", url=f"http://127.0.0.1:{free_port()}") as it:
        with pytest.raises(NeedError, match=r"nothing listens at .*; start the proxy"):
            await it.inject(latency())
    assert log.all() == []


async def test_a_state_folder_that_cannot_be_written_breaks_nothing(proxy, service, injector, tmp_path):
    await proxy.create("inventory", service)
    (tmp_path / "file").write_text("")
    it = injector("inventory", log=UndoLog(tmp_path / "file" / "undo"))
    with pytest.raises(NeedError, match="without it nothing is broken"):
        async with it:
            pytest.fail("entered")
    assert await proxy.toxics("inventory") == []


@pytest.fixture
async def mortal(children, service):
    """A proxy process of the test's own, with one proxy, that may be stopped and killed. The child and its URL."""
    port = free_port()
    link = f"inventory=127.0.0.1:0={service[0]}:{service[1]}"
    child = children.spawn(
        "mortal", [sys.executable, "-m", "chaos.proxy", "--listen", f"127.0.0.1:{port}", "--proxy", link]
    )
    await child.ready(lambda: accepts("127.0.0.1", port))
    return child, f"http://127.0.0.1:{port}"


async def test_a_fault_ends_with_the_proxy_that_held_it(mortal, injector, latency, log, told):
    child, url = mortal
    async with injector("inventory", url=url) as it:
        active = await it.inject(latency(delay="300ms"))
        child.kill()
        await child.wait()
        assert (await active.heal()).ok
    assert "nothing listens" in dict(told)["healed"]["message"]
    assert log.all() == []


async def test_what_cannot_be_healed_is_told_with_the_command_and_kept_for_recovery(
    mortal, injector, latency, log, told, monkeypatch, until
):
    child, url = mortal
    monkeypatch.setattr(chaos.clients.toxiproxy, "TIMEOUT", 0.2)
    monkeypatch.setattr(chaos.injector, "HEAL_PATIENCE", 0.5)
    with pytest.raises(UnhealedError, match="heal it by hand: curl -X DELETE"):
        async with injector("inventory", url=url) as it:
            active = await it.inject(latency(delay="300ms"))
            os.kill(child.pid, signal.SIGSTOP)
            with pytest.raises(UnhealedError):
                await active.heal()
    assert {"heal_failed"} <= {kind for kind, _ in told}
    assert [one.id for one in status(log)] == [active.id]
    os.kill(child.pid, signal.SIGCONT)
    # The reverter, which is still there, may be quicker.
    assert {one.outcome for one in await recover(log)} <= {Outcome.HEALED, Outcome.HELD}
    await until(lambda: log.all() == [])
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{url}/proxies/inventory/toxics")).json() == []
