"""Stock: what the target says of its sales' stock after the load, as one JSON list."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec

from flashcrowd.client import guarded_client
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import admin_headers
from flashcrowd.target import Target


class StockRow(msgspec.Struct, frozen=True):
    """The figures of one sale, or of one sku where the target numbers no sales."""

    sku: str
    initial: int
    remaining: int
    sold: int
    reserved: int = 0
    sale_id: str = ""

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"{self.sku} ({self.sale_id})" if self.sale_id else self.sku


async def read_stock(target: Target, guard: Guard, timeout: float = 30.0, run: str = "") -> list[StockRow]:
    """The stock of every sale. Empty when the target file names no path to ask at.

    Raises:
        GuardError: the shop's host is not allowed.
        NeedError: the answer can't be had, or is no list of such rows.
    """
    shop = target.spec.shop
    if shop is None or shop.stock is None:
        return []
    url = shop.url.rstrip("/") + "/" + shop.stock.lstrip("/")
    guard.check_url(url, "spec.shop.stock")
    try:
        async with asyncio.timeout(timeout), guarded_client(guard, "spec.shop.stock", timeout) as client:
            answer = await client.get(url, headers=admin_headers(target, run))
        if not answer.is_success:
            raise NeedError(f"the stock ({url}) answered {answer.status_code}; check spec.shop.stock")
        return msgspec.json.decode(answer.content, type=list[StockRow])
    except (httpx.HTTPError, TimeoutError) as error:
        raise NeedError(f"the stock ({url}) can't be read: {error or type(error).__name__}") from None
    except msgspec.DecodeError as error:
        raise NeedError(f"the stock ({url}) is no list of sku, initial, remaining, sold: {error}") from None


def saved_stock(path: Path) -> Iterator[StockRow]:
    """The stock that a run directory keeps. Raises msgspec.DecodeError when the file is damaged."""
    yield from msgspec.json.decode(path.read_bytes(), type=list[StockRow])
