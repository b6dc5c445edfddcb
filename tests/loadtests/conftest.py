"""A small real platform to aim the load at: a chat that broadcasts, and a shop that can be told to misbehave."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from websockets.asyncio.server import ServerConnection, broadcast, serve

from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor, free_port
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from loadtests import runner

ROOT = Path(__file__).resolve().parents[2]


class Platform:
    """Chat and shop of a test. Set `misbehave` to answer an order in another way: it gets its attempt's number."""

    def __init__(self) -> None:
        self.viewers: set[ServerConnection] = set()
        self.comments: list[tuple[str, str]] = []
        self.joined = self.connections = self.pings = 0
        self.handshakes: list[dict[str, str]] = []
        self.orders: dict[str, dict[str, object]] = {}
        self.requests: list[dict[str, str]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.attempts: dict[str, int] = {}
        self.stock: dict[str, int] = {}
        self.limit: int | None = None
        self.paid: list[str] = []
        self.declines = 0
        self.entrants: dict[str, dict[str, str | None]] = {}
        self.closed = set[str]()
        self.drawn = set[str]()
        self.moderate: Callable[[str], str] = lambda text: text
        self.arrange: Callable[[list[dict[str, str]]], list[dict[str, str]]] = lambda comments: comments
        self.deaf = set[ServerConnection]()
        self.misbehave: Callable[[int], str | int] = lambda attempt: ""
        self.live_port = self.shop_port = 0
        self.rooms: dict[ServerConnection, str] = {}
        self._waiting: dict[str, list[dict[str, str]]] = {}

    async def watch(self, connection: ServerConnection) -> None:
        self.connections += 1
        request = connection.request
        assert request is not None
        self.handshakes.append({name.lower(): value for name, value in request.headers.raw_items()})
        user = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.viewers.add(connection)
        room = self.rooms[connection] = request.path.rpartition("/")[2]
        try:
            async for text in connection:
                frame = json.loads(text)
                if frame["type"] == "chat":
                    self.comments.append((user, frame["text"]))
                    self._waiting.setdefault(room, []).append({"user": user, "text": self.moderate(frame["text"])})
                self.joined += frame["type"] == "join"
                self.pings += frame["type"] == "ping"
        finally:
            self.viewers.discard(connection)
            del self.rooms[connection]

    async def relay(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            waiting, self._waiting = self._waiting, {}
            for name, comments in waiting.items():
                hearing = {viewer for viewer in self.viewers - self.deaf if self.rooms[viewer] == name}
                broadcast(hearing, json.dumps({"type": "chat", "messages": self.arrange(comments)}))

    def tell(self, **event: object) -> None:
        broadcast(self.viewers, json.dumps(event))

    def open_draw(self, draw: str) -> None:
        self.entrants[draw] = {}
        self.tell(type="draw_opened", draw=draw, prizes=1)

    def draw_winner(self, draw: str, prize: str, told: bool = True) -> None:
        self.closed.add(draw)
        self.drawn.add(draw)
        self.entrants[draw][min(self.entrants[draw])] = prize
        if told:
            self.tell(type="draw_drawn", draw=draw)

    async def enter(self, request: web.Request) -> web.StreamResponse:
        draw, user = request.match_info["draw"], request.headers["Authorization"].removeprefix("Bearer ")
        attempt = self.attempts[user] = self.attempts.get(user, 0) + 1
        if isinstance(how := self.misbehave(attempt), int):
            return web.Response(status=how)
        if draw in self.closed:
            return web.json_response({"reason": "closed"}, status=409)
        return web.Response(status=201 if self.entrants[draw].setdefault(user, None) is None else 200)

    async def result(self, request: web.Request) -> web.StreamResponse:
        draw, user = request.match_info["draw"], request.headers["Authorization"].removeprefix("Bearer ")
        if draw not in self.drawn:
            return web.Response(status=202)
        return web.json_response({"prize": self.entrants[draw].get(user)})

    async def pay(self, request: web.Request) -> web.StreamResponse:
        if self.declines:
            self.declines -= 1
            return web.Response(status=503)
        self.paid.append(request.match_info["order"])
        return web.Response()

    def open_sale(self, sku: str = "lipstick-01", stock: int = 5) -> None:
        self.stock[sku] = stock
        broadcast(self.viewers, json.dumps({"type": "sale_opened", "sale_id": "s1", "sku": sku, "stock": stock}))

    async def order(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["Idempotency-Key"]
        self.attempts[key] = self.attempts.get(key, 0) + 1
        self.requests.append({name.lower(): value for name, value in request.headers.items()})
        how = self.misbehave(self.attempts[key])
        if isinstance(how, int):
            return web.Response(status=how)
        if how == "hang up":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        stored = self.store(key, request.headers["Authorization"].removeprefix("Bearer "), await request.json())
        if how == "store, then no answer":
            await asyncio.sleep(60)
        if stored == "limited":
            return web.json_response({"reason": "limited"}, status=429)
        if not stored:
            return web.json_response({"reason": "sold_out"}, status=409)
        return web.json_response({"order_id": self.orders[key]["order_id"]}, status=201)

    def store(self, key: str, user: str, wish: dict[str, object]) -> bool | str:
        if key in self.orders:
            return True
        sku = str(wish["sku"])
        if sku in self.stock:
            had = sum(order["user"] == user and order["sku"] == sku for order in self.orders.values())
            if self.limit is not None and had >= self.limit:
                return "limited"
            if self.stock[sku] == 0:
                return False
            self.stock[sku] -= 1
        self.orders[key] = {"order_id": f"o-{len(self.orders)}", "key": key, "user": user, **wish}
        return True

    @web.middleware
    async def note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every request of the shop, as it came: path and headers."""
        self.asked.append((request.path, {name.lower(): value for name, value in request.headers.items()}))
        return await handler(request)

    async def catalogue(self, request: web.Request) -> web.Response:
        return web.json_response(["lipstick-01"])

    async def ledger(self, request: web.Request) -> web.Response:
        return web.Response(text="".join(json.dumps(order) + "\n" for order in self.orders.values()))

    def target(self, **shop: object) -> Target:
        return Target.model_validate(
            {
                "metadata": {"name": "small"},
                "spec": {
                    "environment": "test",
                    "allow_hosts": ["127.0.0.1"],
                    "max_viewers": 100,
                    "mark": {"headers": {"x-scene-id": "${run}", "traceparent": "${traceparent}"}},
                    "identities": {"generate": 100},
                    "live": {
                        "url": f"ws://127.0.0.1:{self.live_port}/rooms/${{room}}",
                        "headers": {"Authorization": "Bearer ${identity.token}"},
                        "on_open": ['{"type":"join"}'],
                        "say": '{"type":"chat","text":"${text}"}',
                        "heartbeat": {"every": "1s", "send": '{"type":"ping"}'},
                        "events": {
                            "sale.opened": {"type": "sale_opened"},
                            "draw.opened": {"type": "draw_opened"},
                            "draw.drawn": {"type": "draw_drawn"},
                        },
                    },
                    "draw": {
                        "url": f"http://127.0.0.1:{self.shop_port}",
                        "enter": {
                            "path": "/draws/${draw}/entries",
                            "headers": {"Authorization": "Bearer ${identity.token}"},
                        },
                        "result": {
                            "method": "GET",
                            "path": "/draws/${draw}/result",
                            "headers": {"Authorization": "Bearer ${identity.token}"},
                        },
                    },
                    "shop": {
                        "url": f"http://127.0.0.1:{self.shop_port}",
                        "browse": "/catalogue",
                        "goods": ["soap", "comb"],
                        "order": {
                            "request": {
                                "path": "/orders",
                                "headers": {
                                    "Idempotency-Key": "${key}",
                                    "Authorization": "Bearer ${identity.token}",
                                },
                                "json": {"sku": "${sku}", "quantity": "${quantity}"},
                            },
                            "payment": {"request": {"path": "/orders/${order_id}/payment"}},
                        },
                        "ledger": {"get": "/admin/ledger"},
                        **shop,
                    },
                },
            }
        )


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    one = Platform()
    one.live_port, one.shop_port = free_port(), free_port()
    shop = web.Application(middlewares=[one.note])
    shop.add_routes(
        [
            web.post("/orders", one.order),
            web.get("/catalogue", one.catalogue),
            web.post("/orders/{order}/payment", one.pay),
            web.post("/draws/{draw}/entries", one.enter),
            web.get("/draws/{draw}/result", one.result),
            web.get("/admin/ledger", one.ledger),
        ]
    )
    site = web.AppRunner(shop, shutdown_timeout=0.1)
    await site.setup()
    await web.TCPSite(site, "127.0.0.1", one.shop_port).start()
    async with serve(one.watch, "127.0.0.1", one.live_port, compression=None, ping_interval=None):
        relay = asyncio.create_task(one.relay())
        yield one
        relay.cancel()
    await site.cleanup()


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path, "test")


@pytest.fixture
async def supervisor(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Supervisor]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    async with Supervisor(run.path / "logs") as one:
        yield one


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[[str], str]:
    """Writes a scenario: the body of a `Viewer` class."""

    def write(body: str) -> str:
        path = tmp_path / "some_scenario.py"
        lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
        path.write_text(f"from loadtests.users import *\nimport gevent\n\nclass Viewer(CrowdUser):\n{lines}\n")
        return str(path)

    return write


@pytest.fixture
def guard() -> Guard:
    return Guard(["127.0.0.1"], max_viewers=100)


def figure(text: str, name: str) -> float:
    """The value of a series in a Prometheus exposition; 0 where there is none."""
    match = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    return float(match[1]) if match else 0.0


@pytest.fixture
def read_figure() -> Callable[[str, str], float]:
    return figure


@pytest.fixture
def spec() -> Callable[..., runner.LoadSpec]:
    def make(scenario: str, **more: object) -> runner.LoadSpec:
        few = {"viewers": 6, "over": 1.0, "duration": 3.0, "workers": 1}
        return runner.LoadSpec(scenario=scenario, **{**few, **more})  # type: ignore[arg-type]

    return make
