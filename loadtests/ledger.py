"""Ledger: the target's own record of orders, read after the load as JSON Lines over HTTP or from a command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import admin_headers
from flashcrowd.target import LedgerSource, Target

_LONGEST_LINE = 2**20


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One stored order."""

    order_id: str
    key: str
    user: str
    sku: str
    quantity: int


async def read_ledger(target: Target, guard: Guard, timeout: float = 60.0, run: str = "") -> list[LedgerEntry]:
    """Every order that the target has stored, in its order. `timeout`: seconds for the whole of it. `run`: its name.

    Raises:
        InputError: the target file names no ledger.
        GuardError: the ledger's host is not allowed.
        NeedError: the ledger can't be read, or a line of it isn't an order.
    """
    shop = target.spec.shop
    if shop is None or shop.ledger is None:
        raise InputError(f"target {target.name} names no ledger; give spec.shop.ledger, or no order can be checked")
    where = _place(shop.ledger, shop.url)
    if shop.ledger.get is not None:
        guard.check_url(where, "spec.shop.ledger.get")
    try:
        async with asyncio.timeout(timeout):
            source = shop.ledger
            return await _collect(
                _from_command(source.command)
                if source.command
                else _from_http(where, guard, admin_headers(target, run)),
                where,
            )
    except TimeoutError:
        raise NeedError(f"the ledger ({where}) was not read within {timeout:g} s") from None


async def _collect(source: AsyncGenerator[str], where: str) -> list[LedgerEntry]:
    entries = list[LedgerEntry]()
    async with aclosing(source) as lines:
        async for line in lines:
            if line.strip():
                entries.append(parse_entry(line, f"the ledger ({where}), order {len(entries) + 1}"))
    return entries


def parse_entry(line: str, place: str) -> LedgerEntry:
    """One JSON line. Raises NeedError, with the place, when it isn't an order."""
    try:
        row: dict[str, Any] = json.loads(line)
        return LedgerEntry(
            str(row["order_id"]), str(row["key"]), str(row["user"]), str(row["sku"]), int(row["quantity"])
        )
    except KeyError as error:
        raise NeedError(f"{place} has no {error}; it needs order_id, key, user, sku and quantity") from None
    except (ValueError, TypeError) as error:
        raise NeedError(f"{place} is not a JSON object with order_id, key, user, sku, quantity: {error}") from None


def _place(source: LedgerSource, shop_url: str) -> str:
    if source.command:
        return " ".join(source.command)
    path = source.get or ""
    return path if "://" in path else shop_url.rstrip("/") + "/" + path.lstrip("/")


async def _from_http(url: str, guard: Guard, headers: Mapping[str, str]) -> AsyncGenerator[str]:
    async with guarded_client(guard, "spec.shop.ledger.get", timeout=30.0) as client:
        try:
            async with client.stream("GET", url, headers=dict(headers)) as answer:
                if not answer.is_success:
                    raise NeedError(f"the ledger ({url}) answered {answer.status_code}; check spec.shop.ledger")
                async for line in answer.aiter_lines():
                    yield line
        except httpx.HTTPError as error:
            raise NeedError(f"the ledger ({url}) can't be read: {error or type(error).__name__}") from None


async def _from_command(command: list[str]) -> AsyncGenerator[str]:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE
        )
    except OSError as error:
        raise NeedError(f"the ledger command can't be started ({command[0]}): {error.strerror}") from None
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            yield line.decode(errors="replace")
        if code := await process.wait():
            raise NeedError(f"the ledger command ({' '.join(command)}) ended with {code}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
