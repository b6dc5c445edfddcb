"""History: the viewers' own record of every order, one JSON line as it ends, for the comparison with the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any

from flashcrowd.errors import InputError


class OrderOutcome(StrEnum):
    """What the viewer knows of an order: Jepsen's ok, fail and info."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


SOLD_OUT = "sold_out"
"""The reason of an order that was turned away for want of stock."""


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One order from the viewer's wish to the last thing heard of it.

    start, end: unix seconds of the intent and of the last answer. attempts: requests sent, all with the same key.
    status: of the last answer, 0 without one. reason: `sold_out`, `limited`, or what went wrong. traceparent: of all
    its requests (W3C Trace Context), so that a finding leads to a trace.
    """

    start: float
    end: float
    key: str
    user: str
    sku: str
    quantity: int
    outcome: OrderOutcome
    reason: str
    order_id: str
    status: int
    attempts: int
    traceparent: str


_FIELDS = tuple(field.name for field in fields(OrderRecord))
_VALUES = attrgetter(*_FIELDS)  # dataclasses.asdict copies deeply: twenty times the cost of an order's record


class HistoryWriter:
    """Appends records to a file, buffered: they are safe once `flush` has returned."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._waiting = list[OrderRecord]()

    def add(self, record: OrderRecord) -> None:
        self._waiting.append(record)

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._file.write(
            "".join(json.dumps(dict(zip(_FIELDS, _VALUES(record), strict=True))) + "\n" for record in waiting)
        )
        self._file.flush()


def file_of(folder: Path, worker: int) -> Path:
    """The history file of a worker."""
    return folder / f"history-{worker}.jsonl"


def read_history(folder: Path) -> Iterator[OrderRecord]:
    """All records of a load, worker by worker, read as they are asked for.

    A last line without an end is what a killed worker was writing: it is left out.

    Raises:
        InputError: another line can't be read; says which.
    """
    for path in sorted(folder.glob("history-*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.endswith("\n"):
                    yield _record(line, f"{path}:{number}")


def _record(line: str, place: str) -> OrderRecord:
    try:
        row: dict[str, Any] = json.loads(line)
        return OrderRecord(**{**row, "outcome": OrderOutcome(row["outcome"])})
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{place}: is not a record of an order: {error}") from None
