"""Real parts for the chaos tests: an echo server, an HTTP service, the proxy as its own process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaos.fault import Fault
from chaos.faults import parse_fault
from chaos.injector import Injector
from chaos.undolog import UndoLog
from flashcrowd.guard import Guard
from flashcrowd.process import Child, Supervisor, accepts, free_port, spawn
from flashcrowd.target import Component, Link

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


@pytest.fixture(autouse=True)
def importable_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", PYTHONPATH)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Polls a condition (plain or async) until it holds, or fails with its name."""

    async def wait(condition: Callable[[], object], timeout: float = 20.0) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"didn't hold within {timeout:g} s: {condition}")

    return wait


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[str, int]]:
    """A server that sends back all it gets, and ends when its client has ended. Host and port."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0, backlog=1024) as server:
        yield server.sockets[0].getsockname()


@pytest.fixture
async def service() -> AsyncIterator[tuple[str, int]]:
    """An HTTP service that answers every request with 204. Host and port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()


@pytest.fixture
def shell() -> Callable[[str], Awaitable[None]]:
    """Runs what a person would paste into one; fails with what it says."""

    async def run(command: str) -> None:
        pipe, out = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
        process = await asyncio.create_subprocess_shell(command, stdout=pipe, stderr=out)
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

    return run


@pytest.fixture
async def children(tmp_path: Path) -> AsyncIterator[Supervisor]:
    async with Supervisor(tmp_path) as supervisor:
        yield supervisor


class RunningProxy:
    """The proxy's process and a client of its API."""

    def __init__(self, url: str, child: Child, client: httpx.AsyncClient) -> None:
        self.url, self.child, self.client = url, child, client

    async def create(self, name: str, upstream: tuple[str, int]) -> tuple[str, int]:
        """A proxy on any free port; its host and port."""
        body = {"name": name, "listen": "127.0.0.1:0", "upstream": f"{upstream[0]}:{upstream[1]}"}
        answer = await self.client.post("/proxies", json=body)
        assert answer.status_code == 201, answer.text
        host, _, port = answer.json()["listen"].rpartition(":")
        return host, int(port)

    async def toxics(self, name: str) -> list[str]:
        return [toxic["name"] for toxic in (await self.client.get(f"/proxies/{name}/toxics")).json()]

    async def add_latency(self, proxy: str, latency: int, /, **more: object) -> httpx.Response:
        return await self.add(proxy, "latency", {"latency": latency, "jitter": more.pop("jitter", 0)}, **more)

    async def add(self, proxy: str, type_: str, /, attributes: dict[str, int], **more: object) -> httpx.Response:
        body = {"type": type_, "attributes": attributes, **more}
        answer = await self.client.post(f"/proxies/{proxy}/toxics", json=body)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="session")
def proxy_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, int]]:
    port = free_port()
    command = [sys.executable, "-m", "chaos.proxy", "--listen", f"127.0.0.1:{port}"]
    child = spawn("proxy", command, tmp_path_factory.mktemp("proxy") / "proxy.log", {"PYTHONPATH": PYTHONPATH})
    yield child, port
    child.kill()
    asyncio.run(child.wait())


@pytest.fixture
async def proxy(proxy_process: tuple[Child, int]) -> AsyncIterator[RunningProxy]:
    """The proxy, without any proxies; those that a test makes are deleted after it."""
    child, port = proxy_process
    await child.ready(lambda: accepts("127.0.0.1", port))
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield RunningProxy(url, child, client)
        for name in (await client.get("/proxies")).json():
            await client.delete(f"/proxies/{name}")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UndoLog:
    """An undo log of the test's own, for its children as well."""
    monkeypatch.setenv("FLASHCROWD_STATE", str(tmp_path / "state"))
    return UndoLog.default()


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any]]]:
    """The events that an injector told."""
    return []


@pytest.fixture
def injector(proxy: RunningProxy, log: UndoLog, told: list[tuple[str, dict[str, Any]]]) -> Callable[..., Injector]:
    """Makes an injector for the proxies of these names, each a component of the same name."""

    def make(
        *names: str,
        probe: str | None = "/",
        allowed: str = "127.0.0.1",
        url: str = proxy.url,
        log: UndoLog = log,
    ) -> Injector:
        links = {name: Component(link=Link(toxiproxy=url, proxy=name, probe=probe)) for name in names}
        return Injector(links, Guard([allowed]), log, lambda kind, data: told.append((kind, data)), run="a-run")

    return make


@pytest.fixture
def latency() -> Callable[..., Fault]:
    """A latency fault as a plan would have it."""

    def make(on: str = "inventory", delay: str = "300ms", lasts: str = "60s") -> Fault:
        return parse_fault({"kind": "network.latency", "on": on, "delay": delay, "for": lasts})

    return make
