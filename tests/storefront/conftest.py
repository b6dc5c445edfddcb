"""A storefront of real processes on free ports of the loopback, for one test or one module."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect

from flashcrowd.process import free_port

ROOT = Path(__file__).parents[2]
PORTS = (
    *("live", "live-1", "live-2", "shop", "inventory", "bus-in", "bus-out"),
    *("stream", "origin-main", "origin-backup", "events"),
)


async def eventually(condition: Callable[[], Awaitable[Any]], within: float = 10.0) -> Any:
    """Ask until the answer is true; errors count as no."""
    deadline, error = time.monotonic() + within, None
    while time.monotonic() < deadline:
        try:
            if result := await condition():
                return result
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            error = failure
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {within} s; last error: {error}")


class Storefront:
    """Addresses, and the processes by name. A process started again gets the same port and files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ports = {name: free_port() for name in PORTS}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.link = ""  # the shop's way to the inventory, when not the straight one
        self.bug = ""
        self.shop, self.inventory = self.url("shop"), self.url("inventory")

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def environment(self, name: str) -> dict[str, str]:
        return {
            **os.environ,
            "STOREFRONT_BUS_IN": f"tcp://127.0.0.1:{self.ports['bus-in']}",
            "STOREFRONT_BUS_OUT": f"tcp://127.0.0.1:{self.ports['bus-out']}",
            "LIVE_PORT": str(self.ports["live"]),
            "LIVE_METRICS_PORT": str(self.ports.get(name, 0)),
            "LIVE_FLUSH": "0.1",
            "INVENTORY_PORT": str(self.ports["inventory"]),
            "INVENTORY_DB": str(self.directory / "inventory.db"),
            "SHOP_PORT": str(self.ports["shop"]),
            "SHOP_JOURNAL": str(self.directory / "shop.db"),
            "INVENTORY_URL": self.link or self.inventory,
            "ORIGIN_PORT": str(self.ports.get(name, 0)),
            "STREAM_PORT": str(self.ports["stream"]),
            "STREAM_MAIN_URL": self.url("origin-main"),
            "STREAM_BACKUP_URL": self.url("origin-backup"),
            "STREAM_SHOP_URL": self.shop,
            "EVENTS_PORT": str(self.ports["events"]),
        }

    def start(self, *names: str) -> None:
        for name in names:
            command = [sys.executable, "-m", f"storefront.{name.partition('-')[0]}"]
            command += ["--bug", self.bug] if self.bug else []
            with (self.directory / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(command, cwd=ROOT, env=self.environment(name), stderr=log)

    async def ready(self, *names: str) -> None:
        async with aiohttp.ClientSession() as session:
            for name in names:

                async def healthy(name: str = name) -> bool:
                    async with session.get(self.url(name) + "/healthz") as answer:
                        return answer.status == 200

                await eventually(healthy, within=60)

    def signal(self, name: str, number: signal.Signals) -> None:
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()

    def viewer(self, user: str, room: str = "main") -> connect:
        address = f"ws://127.0.0.1:{self.ports['live']}/rooms/{room}"
        return connect(address, additional_headers={"Authorization": f"Bearer {user}"}, compression=None)


class SlowLink(asyncio.Protocol):
    """One end of a TCP link that delivers what it is sent `delay` seconds late, in both directions."""

    def __init__(self, delay: float, to: int = 0, back: asyncio.Transport | None = None) -> None:
        self.delay, self.to = delay, to
        self.across = asyncio.get_running_loop().create_future()
        if back:
            self.across.set_result(back)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.to:
            loop = asyncio.get_running_loop()
            there = loop.create_connection(lambda: SlowLink(self.delay, back=transport), "127.0.0.1", self.to)
            loop.create_task(there).add_done_callback(lambda task: self.across.set_result(task.result()[0]))

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self.delay, lambda: self.across.result().write(data))

    def connection_lost(self, _: Exception | None) -> None:
        asyncio.get_running_loop().call_later(self.delay, lambda: self.across.result().close())


@contextlib.asynccontextmanager
async def slow_link(to: int, delay: float) -> AsyncIterator[int]:
    """The port of a slow way to the port `to`."""
    server = await asyncio.get_running_loop().create_server(lambda: SlowLink(delay, to), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    yield port
    server.close()


class Client:
    """A buyer's and an operator's view of the shop."""

    def __init__(self, storefront: Storefront, session: aiohttp.ClientSession) -> None:
        self.storefront, self.session = storefront, session

    async def order(self, sku: str, key: str, quantity: int = 1, user: str = "u1") -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {user}", "Idempotency-Key": key}
        body = {"sku": sku, "quantity": quantity}
        async with self.session.post(self.storefront.shop + "/orders", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def call(
        self, method: str, path: str, body: Any = None, base: str | None = None, user: str = ""
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {user}"} if user else {}
        address = (base or self.storefront.shop) + path
        async with self.session.request(method, address, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def open_sale(self, sale_id: str, sku: str, stock: int, limit: int | None = None) -> None:
        facts = {"sale_id": sale_id, "sku": sku, "stock": stock, "opens_at": time.time() - 1, "room": "main"}
        body = facts if limit is None else {**facts, "limit": limit}
        assert (await self.call("POST", "/admin/sales", body))[0] == 201

    async def switch(self, mode: str, size: int = 500) -> None:
        assert await self.call("POST", "/admin/reservation", {"mode": mode, "size": size}) == (
            200,
            {"mode": mode, "size": size},
        )

    async def ledger(self, path: str = "/admin/ledger") -> list[dict[str, Any]]:
        async with self.session.get(self.storefront.shop + path) as answer:
            assert answer.status == 200
            return [json.loads(line) async for line in answer.content]

    async def stock(self, sale_id: str) -> dict[str, Any]:
        """The sale's figures, which must always add up."""
        _, sales = await self.call("GET", "/stock", base=self.storefront.inventory)
        sale: dict[str, Any] = next(sale for sale in sales if sale["sale_id"] == sale_id)
        assert sale["initial"] == sale["remaining"] + sale["reserved"] + sale["sold"]
        return sale

    async def metric(self, service: str, line: str) -> float:
        """The value of the sample that reads `line`; 0 while there is none."""
        async with self.session.get(self.storefront.url(service) + "/metrics") as answer:
            samples = dict(row.rsplit(" ", 1) for row in (await answer.text()).splitlines() if row[:1] != "#")
        return float(samples.get(line, 0))


async def joined(viewer: ClientConnection) -> None:
    """Join, and know it: frames of one viewer are handled in order."""
    await viewer.send('{"type":"join"}')
    await viewer.send('{"type":"ping"}')
    assert await frame(viewer, "pong")


async def frame(viewer: ClientConnection, kind: str, within: float = 20.0) -> dict[str, Any]:
    """The next frame of that type."""
    async with asyncio.timeout(within):
        while True:
            message: dict[str, Any] = json.loads(await viewer.recv())
            if message["type"] == kind:
                return message


@contextlib.contextmanager
def standing(directory: Path, *names: str, bug: str = "") -> Iterator[Storefront]:
    """A storefront with the processes of those names ready, for a whole module."""
    made = Storefront(directory)
    made.bug = bug
    try:
        made.start("bus", *names)
        asyncio.run(made.ready(*names))
        yield made
    finally:
        made.stop()


@pytest.fixture
def storefront(tmp_path: Path) -> Iterator[Storefront]:
    made = Storefront(tmp_path)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
async def visitor(storefront: Storefront) -> AsyncIterator[Client]:
    """A client of a storefront none of whose processes is started."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15)) as session:
        yield Client(storefront, session)


@pytest.fixture
async def client(visitor: Client) -> Client:
    """A client of a storefront whose bus, inventory and shop are ready."""
    visitor.storefront.start("bus", "inventory", "shop")
    await visitor.storefront.ready("inventory", "shop")
    return visitor
