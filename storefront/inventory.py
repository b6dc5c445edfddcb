"""The inventory service: the stock, and the ledger of orders. Started as `python -m storefront.inventory`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from storefront import ledger, service
from storefront.bugs import planted
from storefront.groupcommit import GroupCommit, connect
from storefront.order import Order
from storefront.placing import Placing
from storefront.service import Health, InvalidError, answer, document, refusal
from storefront.settings import bug, path, port, read, variable

ORDERS = Counter("inventory_orders_total", "Orders by what became of them", ["outcome"])
COMMIT = Histogram(
    "inventory_commit_seconds",
    "Time of one transaction, disk included",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
BATCH = Histogram("inventory_batch_size", "Operations per transaction", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500))
STOCK = Gauge("inventory_stock", "Units remaining of the sku's latest sale", ["sku"])
COUNTED = {name: ORDERS.labels(name) for name in ("stored", "replayed", "sold_out", "withdrawn", "recorded")}
STATUS = {"stored": 201, "replayed": 200, "withdrawn": 412}


@dataclass(frozen=True)
class InventorySettings:
    port: int = variable("INVENTORY_PORT", port)
    database: str = variable("INVENTORY_DB", path)
    bug: str = variable("STOREFRONT_BUG", bug, "")


class Inventory:
    """The HTTP face of the ledger: writes through the group-committing writer, reads beside it."""

    def __init__(self, database: str, bug: str = "") -> None:
        placing = planted(bug, Placing)
        self.writer = GroupCommit(connect(database, placing.schema), _observe)
        self.reader = connect(database, "")
        self._placing = placing(self.writer, self.reader)

    async def register(self, request: Request) -> Response:
        body = await document(request)
        sku, stock = service.text(body, "sku"), service.whole(body, "stock", 0)
        try:
            await self.writer.submit(lambda db: ledger.register(db, request.path_params["sale_id"], sku, stock))
        except ledger.ConflictError as conflict:
            return refusal(409, str(conflict))
        return answer(200, {"sale_id": request.path_params["sale_id"], "sku": sku, "stock": stock})

    async def place(self, request: Request) -> Response:
        body = await document(request)
        order = Order.from_json(body)
        attempt = ledger.Attempt(_ticket(body), bool(body.get("again"))) if "ticket" in body else None
        try:
            placed = await self._placing.place(order, attempt)
        except ledger.UnknownSaleError:
            return refusal(404, "no such sale")
        COUNTED[placed.outcome].inc()
        if placed.outcome == "sold_out":
            return answer(409, {"reason": "sold_out", "remaining": placed.remaining})
        return answer(STATUS[placed.outcome], {"order_id": order.order_id})

    async def fence(self, request: Request) -> Response:
        """Attempts of the shop's earlier lives, which may still be under way, count no more."""
        ticket = _ticket(await document(request))
        await self.writer.submit(lambda db: ledger.withdraw(db, "", ticket))
        return answer(200, {"ticket": ticket})

    async def record(self, request: Request) -> Response:
        orders = _orders(await document(request))
        released = await self.writer.submit(lambda db: ledger.record(db, orders))
        COUNTED["recorded"].inc(len(orders))
        return answer(200, {"recorded": len(orders), "released": released})

    async def reserve(self, request: Request) -> Response:
        body = await document(request)
        sale_id, request_id = service.text(body, "sale_id"), service.text(body, "request_id")
        quantity = service.whole(body, "quantity", 1)
        try:
            granted, remaining = await self.writer.submit(lambda db: ledger.reserve(db, sale_id, quantity, request_id))
        except ledger.UnknownSaleError:
            return refusal(404, "no such sale")
        return answer(200, {"block_id": request_id, "granted": granted, "remaining": remaining})

    async def give_back(self, request: Request) -> Response:
        unused = service.whole(await document(request), "unused", 0)
        await self.writer.submit(partial(ledger.give_back, block_id=request.path_params["block_id"], unused=unused))
        return answer(200, {"block_id": request.path_params["block_id"]})

    async def orders(self, request: Request) -> Response:
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            raise InvalidError("after is not a row number")
        return StreamingResponse(self._lines(int(after)), media_type="application/jsonl")

    async def stock(self, _: Request) -> Response:
        return answer(200, ledger.stock(self.reader))

    def refresh(self) -> None:
        for sale in ledger.stock(self.reader):
            STOCK.labels(sale["sku"]).set(sale["remaining"])

    async def _lines(self, after: int) -> AsyncIterator[bytes]:
        for page in ledger.pages(self.reader, after):
            yield service.json_lines(page)
            await asyncio.sleep(0)  # a long ledger must not hold up orders


def _ticket(body: dict[str, Any]) -> int:
    return service.whole(body, "ticket", 1, 2**62)


def _orders(body: dict[str, Any]) -> list[Order]:
    items = body.get("orders")
    if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("block_id") for item in items):
        raise InvalidError("orders is not a list of orders out of blocks")
    return [Order.from_json(item) for item in items]


def _observe(operations: int, seconds: float) -> None:
    BATCH.observe(operations)
    COMMIT.observe(seconds)


def app(settings: InventorySettings) -> Starlette:
    health = Health("inventory")
    inventory = Inventory(settings.database, settings.bug)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with closing(inventory.reader):
            writing = service.vital(inventory.writer.run())
            health.ready()
            try:
                yield
            finally:
                await service.end(writing)

    routes = [
        Route("/orders", inventory.place, methods=["POST"]),
        Route("/fence", inventory.fence, methods=["PUT"]),
        Route("/orders/batch", inventory.record, methods=["POST"]),
        Route("/blocks", inventory.reserve, methods=["POST"]),
        Route("/blocks/{block_id}", inventory.give_back, methods=["DELETE"]),
        Route("/stock/{sale_id}", inventory.register, methods=["PUT"]),
        Route("/stock", inventory.stock),
        Route("/ledger", inventory.orders),
    ]
    return service.application(health, routes, lifespan, inventory.refresh)


def main() -> None:
    settings = read(InventorySettings)
    service.serve(lambda: app(settings), settings.port)


if __name__ == "__main__":
    main()
