"""The shop service: catalogue, orders, sales and passes. Started as `python -m storefront.shop`."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from prometheus_client import Counter, Histogram
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from storefront import service
from storefront.allowance import Allowance
from storefront.bugs import planted
from storefront.catalogue import ORDINARY_STOCK, Catalogue
from storefront.channel import Channel
from storefront.desk import TICKETS, UNKNOWN, Answer, Desk
from storefront.draw_counter import DrawCounter
from storefront.draw_journal import DrawJournal
from storefront.draws import Draws
from storefront.inventory_client import InventoryClient, RefusedError, UnavailableError, insist
from storefront.journal import Journal
from storefront.order import QUANTITY, Order
from storefront.outbox import Outbox
from storefront.reservation import MODES, Reservation
from storefront.sales import Sale, Sales
from storefront.service import Health, InvalidError, answer, document, refusal
from storefront.settings import bug, count, http_url, path, port, read, tcp_address, variable
from storefront.waiting_room import WaitingRoom

OUTCOMES = ("accepted", "sold_out", "not_open", "limited", "waiting", "error", "invalid")
SECONDS = Histogram(
    "shop_order_seconds",
    "Time from an order's request to its answer",
    ["outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
ORDERS = Counter("shop_orders_total", "Orders by outcome", ["outcome"])
COUNTED = {outcome: (SECONDS.labels(outcome), ORDERS.labels(outcome)) for outcome in OUTCOMES}
WAIT = Answer(503, b'{"reason":"waiting_room"}', "waiting")
RETRY_AFTER = {"retry-after": "1"}
DRAIN = 10.0  # seconds the ledger waits for the outbox


@dataclass(frozen=True)
class ShopSettings:
    port: int = variable("SHOP_PORT", port)
    journal: str = variable("SHOP_JOURNAL", path)
    inventory: str = variable("INVENTORY_URL", http_url)
    seed: int = variable("SHOP_SEED", count, "0")
    bus_in: str = variable("STOREFRONT_BUS_IN", tcp_address)
    bus_out: str = variable("STOREFRONT_BUS_OUT", tcp_address)
    bug: str = variable("STOREFRONT_BUG", bug, "")


class Shop:
    """The HTTP face of the desk, the sales and the reservation. Made inside the event loop it lives on."""

    def __init__(self, settings: ShopSettings, health: Health) -> None:
        self._health = health
        self._catalogue = Catalogue(settings.seed)
        self._journal = Journal(settings.journal)
        self._inventory = InventoryClient(settings.inventory)
        self._channel = Channel(settings.bus_in, settings.bus_out, (), lambda *_: None)
        self._sales = Sales(self._channel, self._opened, planted(settings.bug, Allowance))
        self._outbox = Outbox(self._journal, self._inventory, self._sales)
        self._reservation = Reservation(self._journal, self._inventory)
        desk = planted(settings.bug, Desk)
        self._desk = desk(self._sales, self._reservation, self._inventory, self._journal, self._outbox)
        draws = planted(settings.bug, DrawJournal)(self._journal.db, self._journal.writer)
        self._draws = Draws(self._channel, draws)
        self._waiting_room = WaitingRoom()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        writing = service.vital(self._journal.writer.run())
        starting = service.vital(self._start())
        shipping = service.vital(self._outbox.run())
        try:
            yield
        finally:
            await service.end(starting, shipping, *self._tasks, *self._draws.tasks())
            await service.end(writing)
            await self._inventory.close()
            self._channel.close()

    def routes(self) -> list[Route]:
        return [
            Route("/orders", self.order, methods=["POST"]),
            Route("/orders/{order_id}/payment", self.pay, methods=["POST"]),
            Route("/catalogue", self.catalogue),
            Route("/passes/{room}", self.give_pass),
            Route("/admin/sales", self.add_sale, methods=["POST"]),
            Route("/admin/reservation", self.reservation),
            Route("/admin/reservation", self.switch, methods=["POST"]),
            Route("/admin/waiting-room", self.waiting_room),
            Route("/admin/waiting-room", self.open_waiting_room, methods=["POST"]),
            Route("/admin/stock", self.stock),
            Route("/admin/ledger", self.ledger),
            *DrawCounter(self._draws, lambda: self._health.is_ready).routes(),
        ]

    async def catalogue(self, _: Request) -> Response:
        return answer(200, self._catalogue.as_json())

    async def give_pass(self, request: Request) -> Response:
        """For the edge: nobody is banned here, so everybody gets one."""
        return answer(200, {"room": request.path_params["room"]})

    async def order(self, request: Request) -> Response:
        started = time.perf_counter()
        given = await self._answer(request)
        seconds, orders = COUNTED[given.outcome]
        seconds.observe(time.perf_counter() - started)
        orders.inc()
        headers = RETRY_AFTER if given is WAIT else None
        return Response(given.body, given.status, headers, media_type="application/json")

    async def pay(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        if not service.bearer(request):
            return refusal(401, "a bearer token is needed")
        if not self._health.is_ready:
            return refusal(503, "not ready")
        if not self._desk.knows(order_id):
            return refusal(404, "no such order")
        return answer(200, {"order_id": order_id, "paid_at": await self._journal.pay(order_id)})

    async def add_sale(self, request: Request) -> Response:
        sale = _sale(await document(request))
        await self._inventory.register(sale.sale_id, sale.sku, sale.stock)
        if known := self._sales.get(sale.sale_id):
            return answer(200, known.figures()) if known.figures() == sale.figures() else refusal(409, "other figures")
        self._sales.add(sale)
        await self._journal.add_sale(sale)
        if self._reservation.in_blocks:
            await asyncio.wait_for(self._reservation.secure(sale), DRAIN)
        return answer(201, sale.figures())

    async def reservation(self, _: Request) -> Response:
        return answer(200, {"mode": self._reservation.mode, "size": self._reservation.size})

    async def switch(self, request: Request) -> Response:
        body = await document(request)
        if body.get("mode") not in MODES:
            raise InvalidError(f"mode is not one of {', '.join(MODES)}")
        size = service.whole(body, "size", QUANTITY, 100_000) if "size" in body else self._reservation.size
        await self._reservation.switch(body["mode"], size, self._sales.current)
        return await self.reservation(request)

    async def waiting_room(self, _: Request) -> Response:
        return answer(200, {"rate": self._waiting_room.rate})

    async def open_waiting_room(self, request: Request) -> Response:
        self._waiting_room.open(service.rate(await document(request)))
        return await self.waiting_room(request)

    async def stock(self, _: Request) -> Response:
        return answer(200, await self._inventory.stock())

    async def ledger(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise InvalidError("after is not a row number")
        try:
            await self._outbox.drained(DRAIN)
        except TimeoutError:
            return refusal(503, "outbox not drained")
        stack = AsyncExitStack()
        lines = await stack.enter_async_context(self._inventory.ledger(int(after)))
        return StreamingResponse(_copied(stack, lines), media_type="application/jsonl")

    async def _answer(self, request: Request) -> Answer:
        if not self._health.is_ready:
            return UNKNOWN
        if not self._waiting_room.admits():
            return WAIT
        if not (user := service.bearer(request)):
            return _invalid(401, "a bearer token is needed")
        try:
            body = {**await document(request), "user": user, "key": request.headers.get("idempotency-key")}
            return await self._desk.order(Order.from_json({**body, "sale_id": "-", "block_id": None}))
        except InvalidError as invalid:
            return _invalid(400, str(invalid))

    async def _start(self) -> None:
        """Take up what the journal remembers, then be ready."""
        await self._channel.settled()
        await insist(lambda: self._inventory.fence(self._journal.life * TICKETS))
        await asyncio.gather(*(self._register(item.sale_id, item.sku) for item in self._catalogue.ordinary))
        for sale in self._journal.sales():
            self._sales.add(sale)
        await self._reservation.recover(self._sales)
        waiting = self._journal.orders()
        self._outbox.add(waiting)
        for order in waiting:
            self._desk.remember(order)
        await insist(self._remember_ledger)
        self._draws.recover()
        self._health.ready()

    async def _register(self, sale_id: str, sku: str) -> None:
        await insist(lambda: self._inventory.register(sale_id, sku, ORDINARY_STOCK))
        self._sales.add(Sale(sale_id, sku, ORDINARY_STOCK, opened_at=0.0))

    async def _remember_ledger(self) -> None:
        """Replays of orders of an earlier life must get their answer even when their sale is sold out, and users have
        what they have."""
        async with self._inventory.ledger() as lines:
            async for line in lines:
                row = json.loads(line)
                self._desk.remember(Order(row["sale_id"], row["sku"], row["quantity"], row["user"], row["key"]))

    def _opened(self, sale: Sale, replaced: Sale | None) -> None:
        task = asyncio.create_task(self._journal.add_sale(sale))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if replaced:
            self._reservation.release_soon(replaced)


def _sale(body: dict[str, Any]) -> Sale:
    stock, opens_at = service.whole(body, "stock", 0), service.number(body, "opens_at")
    limit = None if body.get("limit") is None else service.whole(body, "limit", 1)
    return Sale(service.slug(body, "sale_id"), service.text(body, "sku"), stock, opens_at, service.room(body), limit)


def _invalid(status: int, reason: str) -> Answer:
    return Answer(status, json.dumps({"reason": reason}).encode(), "invalid")


async def _copied(stack: AsyncExitStack, lines: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    async with stack:
        async for chunk in lines.iter_any():
            yield chunk


async def _refused(_: Request, error: Exception) -> Response:
    return refusal(409, str(error))


async def _unavailable(_: Request, error: Exception) -> Response:
    return refusal(503, "inventory")


def app(settings: ShopSettings) -> Starlette:
    health = Health("shop")
    routes: list[Route] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        shop = Shop(settings, health)
        app.router.routes[:0] = shop.routes()
        async with shop.running():
            yield

    made = service.application(health, routes, lifespan)
    for error, handler in ((RefusedError, _refused), (UnavailableError, _unavailable), (TimeoutError, _unavailable)):
        made.add_exception_handler(error, handler)
    return made


def main() -> None:
    settings = read(ShopSettings)
    service.serve(lambda: app(settings), settings.port)


if __name__ == "__main__":
    main()
