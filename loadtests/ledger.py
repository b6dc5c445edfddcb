"""Ledger: the target's own record of orders, read after the load as JSON Lines over HTTP or from a command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import admin_headers
from flashcrowd.target import Target
from loadtests.jsonlines import read
from loadtests.records import Source, each


class LedgerEntry(msgspec.Struct, frozen=True, gc=False):
    """One stored order. sale_id: of the sale that it was sold from, empty where the target doesn't tell."""

    order_id: str
    key: str
    user: str
    sku: str
    quantity: int
    sale_id: str = ""


async def read_ledger(target: Target, guard: Guard, timeout: float = 60.0, run: str = "") -> list[LedgerEntry]:
    """Every order that the target has stored, in its order. `timeout`: seconds for the whole of it. `run`: its name.

    Raises:
        InputError: the target file names no ledger.
        GuardError: the ledger's host is not allowed.
        NeedError: the ledger can't be read, or a line of it isn't an order.
    """
    entries = list[LedgerEntry]()
    await each_order(target, guard, entries.append, timeout, run)
    return entries


async def each_order(
    target: Target, guard: Guard, take: Callable[[LedgerEntry], None], timeout: float = 60.0, run: str = ""
) -> None:
    """Give `take` every order, as it is read: a long ledger needn't fit into memory. Raises as `read_ledger`."""
    shop = target.spec.shop
    if shop is None or shop.ledger is None:
        raise InputError(f"target {target.name} names no ledger; give spec.shop.ledger, or no order can be checked")
    source = Source(shop.ledger, shop.url, "the ledger", "spec.shop.ledger", admin_headers(target, run))

    def parse(line: str, number: int) -> None:
        take(parse_entry(line, f"{source}, order {number}"))

    await each(source, guard, parse, timeout)


def parse_entry(line: str, place: str) -> LedgerEntry:
    """One JSON line of a target. Raises NeedError, with the place, when it isn't an order."""
    try:
        row: dict[str, Any] = json.loads(line)
        return LedgerEntry(
            str(row["order_id"]),
            str(row["key"]),
            str(row["user"]),
            str(row["sku"]),
            int(row["quantity"]),
            str(row.get("sale_id") or ""),
        )
    except KeyError as error:
        raise NeedError(f"{place} has no {error}; it needs order_id, key, user, sku and quantity") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise NeedError(f"{place} is not a JSON object with order_id, key, user, sku, quantity: {error}") from None


def saved_orders(path: Path) -> Iterator[LedgerEntry]:
    """The orders of a ledger that a run directory keeps, read as they are asked for. Raises InputError."""
    return read(path, LedgerEntry, "a stored order")
