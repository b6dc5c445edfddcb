"""Draw ledger: who won what, by the target's own record, read after the load as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import admin_headers
from flashcrowd.target import Target
from loadtests.jsonlines import read
from loadtests.records import Source, each


class Win(msgspec.Struct, frozen=True, gc=False):
    """One prize and who got it."""

    draw: str
    user: str
    prize: str


async def read_wins(target: Target, guard: Guard, timeout: float = 60.0, run: str = "") -> list[Win]:
    """Every prize that the target has given away. Raises as `read_ledger` does."""
    draw = target.spec.draw
    if draw is None or draw.ledger is None:
        raise InputError(f"target {target.name} names no ledger of draws; give spec.draw.ledger to have them checked")
    headers, wins = admin_headers(target, run), list[Win]()
    source = Source(draw.ledger, draw.url, "the ledger of draws", "spec.draw.ledger", headers)

    def parse(line: str, number: int) -> None:
        wins.append(parse_win(line, f"{source}, line {number}"))

    await each(source, guard, parse, timeout)
    return wins


def parse_win(line: str, place: str) -> Win:
    """One JSON line of a target. Raises NeedError, with the place, when it is no win."""
    try:
        row: dict[str, Any] = json.loads(line)
        return Win(str(row["draw"]), str(row["user"]), str(row["prize"]))
    except KeyError as error:
        raise NeedError(f"{place} has no {error}; it needs draw, user and prize") from None
    except (ValueError, TypeError) as error:
        raise NeedError(f"{place} is not a JSON object with draw, user and prize: {error}") from None


def saved_wins(path: Path) -> Iterator[Win]:
    """The wins that a run directory keeps. Raises InputError when a line of it isn't one."""
    return read(path, Win, "a win")
