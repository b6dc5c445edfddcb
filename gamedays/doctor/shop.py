"""Shop: one look at it, and one order that orders nothing: `order.dry`, or the question which methods are allowed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.dial import place_of
from flashcrowd.errors import FlashcrowdError
from flashcrowd.guard import Guard
from flashcrowd.target import HttpRequest, Shop, Target
from flashcrowd.units import about
from gamedays.doctor.row import Row
from loadtests.form import body_template
from loadtests.identities import Identity
from loadtests.ledger import read_ledger
from loadtests.variables import Variables, fill_json, fill_path, traceparent

PATIENCE = 5.0
"""Seconds for an answer."""

LEDGER_PATIENCE = 15.0
"""Seconds for the whole ledger, which may be long."""

_UNKNOWN = (404, 410)
_NOT_IMPLEMENTED = 501
"""What a server answers that knows no OPTIONS; it is one that answers."""


async def look(target: Target, guard: Guard, variables: Variables, person: Identity) -> list[Row]:
    """The shop, its order path, and its ledger; nothing where the target has none."""
    shop = target.spec.shop
    if shop is None:
        return []
    async with guarded_client(guard, "spec.shop.url", PATIENCE) as client:
        asking = _Asking(client, shop, variables, person)
        rows = [await asking.looked()]
        if rows[0].mend is None:
            rows.append(await asking.ordered())
    return [*rows, await _ledger(target, guard)]


async def _ledger(target: Target, guard: Guard) -> Row:
    if target.spec.shop is None or target.spec.shop.ledger is None:
        return Row("ledger", "none is given", "give spec.shop.ledger, or no order can be checked")
    try:
        entries = await read_ledger(target, guard, LEDGER_PATIENCE)
    except FlashcrowdError as error:
        return Row("ledger", "can't be read", str(error))
    return Row("ledger", f"readable, {len(entries):,} orders")


class _Asking:
    """One person's requests to the shop."""

    def __init__(self, client: httpx.AsyncClient, shop: Shop, variables: Variables, person: Identity) -> None:
        self._client, self._shop = client, shop
        values = variables.of(
            person,
            key=f"flashcrowd-doctor-{os.urandom(8).hex()}",
            sku=shop.goods[0] if shop.goods else "flashcrowd-doctor",
            quantity="1",
            traceparent=traceparent(),
        )
        self._variables, self._values = variables, values

    async def looked(self) -> Row:
        """The page that viewers look at, or the root."""
        path = fill_path(self._shop.browse or "/", self._values)
        started = time.monotonic()
        answer = await self._ask("GET", path, {}, "")
        if isinstance(answer, str):
            return Row("shop", answer, f"see that the shop runs, and mend spec.shop.url ({self._shop.url})")
        says = f"answered in {about(time.monotonic() - started)}"
        if self._shop.browse is not None and answer.status_code >= 400:
            return Row("shop", f"{says}, with {answer.status_code} at {path}", "mend spec.shop.browse")
        return Row("shop", says)

    async def ordered(self) -> Row:
        """A dry order: the target file's own, else OPTIONS, which by RFC 9110 (9.3.7) changes nothing."""
        order = self._shop.order
        dry = order.dry
        request = dry or HttpRequest(method="OPTIONS", path=order.request.path, headers=order.request.headers)
        what = f"{request.method} {request.path}"
        body = fill_json(body_template(request.body), self._values)
        answer = await self._ask(request.method, fill_path(request.path, self._values), request.headers, body)
        if isinstance(answer, str):
            return Row("order", answer, "mend spec.shop.order.dry" if dry else "mend spec.shop.order.request")
        says = f"{what} was answered with {answer.status_code}; nothing was ordered"
        if dry is not None:
            return Row("order", says, "mend spec.shop.order.dry, or the shop" if answer.status_code >= 400 else None)
        wrong = answer.status_code in _UNKNOWN or (answer.status_code >= 500 and answer.status_code != _NOT_IMPLEMENTED)
        return Row("order", says, "mend spec.shop.order.request.path, or the shop" if wrong else None)

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: str) -> httpx.Response | str:
        """The answer, or why there is none."""
        filled = self._variables.headers(headers, self._values)
        if body:
            filled.setdefault("Content-Type", "application/json")
        url = self._shop.url.rstrip("/") + path
        host, port = place_of(url)
        try:
            return await self._client.request(method, url, headers=filled, content=body or None)
        except httpx.TimeoutException:
            return f"no answer from {host}:{port} within {about(PATIENCE)}"
        except httpx.HTTPError as error:
            return f"nobody answers at {host}:{port}: {str(error).lower() or type(error).__name__}"
        except FlashcrowdError as error:
            return str(error)
