"""History: the viewers' own record of every order, one JSON line as it ends, for the comparison with the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from loadtests.jsonlines import LinesWriter, read


class OrderOutcome(StrEnum):
    """What the viewer knows of an order: Jepsen's ok, fail and info."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


SOLD_OUT = "sold_out"
"""The reason of an order that was turned away for want of stock."""

LIMITED = "limited"
"""The reason of an order that was turned away because its viewer has had enough."""


class OrderRecord(msgspec.Struct, frozen=True, gc=False):
    """One order from the viewer's wish to the last thing heard of it.

    start, end: unix seconds of the intent and of the last answer. attempts: requests sent, all with the same key.
    status: of the last answer, 0 without one. reason: `sold_out`, `limited`, or what went wrong. traceparent: of all
    its requests (W3C Trace Context), so that a finding leads to a trace. A viewer who replays an order leaves another
    record with its key.
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


class HistoryWriter(LinesWriter[OrderRecord]):
    """Appends records to a history, buffered: they are safe once `flush` has returned."""


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
        yield from read(path, OrderRecord, "a record of an order")
