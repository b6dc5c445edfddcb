"""The shop's client of the inventory. What fails or takes too long is one error: the shop doesn't know."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from prometheus_client import Histogram

from storefront.beginning import log
from storefront.order import Order

Result = TypeVar("Result")
SECONDS = Histogram(
    "inventory_request_seconds",
    "The shop's calls to the inventory, as the shop sees them",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5),
)
OPERATIONS = ("order", "fence", "register", "reserve", "record", "give_back", "stock", "ledger")
TIMED = {operation: SECONDS.labels(operation) for operation in OPERATIONS}
JSON = {"content-type": "application/json"}
TIMEOUT = 5.0  # seconds


class UnavailableError(Exception):
    """The inventory failed, or did not answer in time; whether it acted is unknown."""


class RefusedError(Exception):
    """The inventory said no, with a reason."""


@dataclass(frozen=True, slots=True)
class SoldOut:
    """Not enough stock; `remaining` may still be enough for a smaller order."""

    remaining: int


class InventoryClient:
    """Orders and everything else use separate connections: a queue of slow orders must not delay its own remedy."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._orders = _session(128)
        self._control = _session(32)

    async def close(self) -> None:
        await self._orders.close()
        await self._control.close()

    async def order(self, order: Order, ticket: int, again: bool = False) -> bool | SoldOut:
        """Whether the order is new (rather than a replay), or that it can't be had.

        ticket, again: as in ledger.Attempt.
        """
        body = {**order.as_json(), "ticket": ticket, "again": again}
        status, body = await self._call("order", "POST", "/orders", body, self._orders)
        if status == 409:
            return SoldOut(int(body["remaining"]))
        return status == 201

    async def fence(self, ticket: int) -> None:
        """Have attempts with tickets below this one refused."""
        await self._call("fence", "PUT", "/fence", {"ticket": ticket})

    async def register(self, sale_id: str, sku: str, stock: int) -> None:
        """Raises RefusedError when the sale is known with other figures."""
        status, body = await self._call("register", "PUT", f"/stock/{sale_id}", {"sku": sku, "stock": stock})
        if status == 409:
            raise RefusedError(body["reason"])

    async def reserve(self, sale_id: str, quantity: int, request_id: str) -> tuple[int, int]:
        """The units granted, and those remaining in the stock."""
        body = {"sale_id": sale_id, "quantity": quantity, "request_id": request_id}
        _, block = await self._call("reserve", "POST", "/blocks", body)
        return int(block["granted"]), int(block["remaining"])

    async def record(self, orders: Sequence[Order]) -> set[str]:
        """The sales to whose stock units went back."""
        body = {"orders": [order.as_json() for order in orders]}
        return set((await self._call("record", "POST", "/orders/batch", body))[1]["released"])

    async def give_back(self, block_id: str, unused: int) -> None:
        await self._call("give_back", "DELETE", f"/blocks/{block_id}", {"unused": unused})

    async def stock(self) -> Any:
        return (await self._call("stock", "GET", "/stock"))[1]

    @asynccontextmanager
    async def ledger(self, after: int = 0) -> AsyncIterator[aiohttp.StreamReader]:
        """The ledger's lines; as long as they keep coming, they may take longer than a call."""
        patient = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT, sock_read=TIMEOUT)
        query = {"after": str(after)}
        try:
            with TIMED["ledger"].time():
                response = await self._control.get(f"{self._url}/ledger", params=query, timeout=patient)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnavailableError(str(error)) from error
        async with response:
            if response.status != 200:
                raise UnavailableError(f"ledger: {response.status}")
            yield response.content

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> tuple[int, Any]:
        started = time.perf_counter()
        data = None if body is None else json.dumps(body).encode()
        try:
            async with (session or self._control).request(method, self._url + path, data=data, headers=JSON) as answer:
                payload = await answer.read()
            if answer.status not in (200, 201, 409):
                raise UnavailableError(f"{operation}: {answer.status}")
            return answer.status, json.loads(payload)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UnavailableError(f"{operation}: {error}") from error
        finally:
            TIMED[operation].observe(time.perf_counter() - started)


async def insist(call: Callable[[], Awaitable[Result]]) -> Result:
    """Call until it succeeds. Only for calls that may be repeated."""
    pause = 0.1
    while True:
        try:
            return await call()
        except UnavailableError as error:
            log.warning("inventory unavailable, trying again: %s", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1.0)


def _session(limit: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
