"""What an order costs its history, made, kept and written in batches, beside json.dumps of the same record.

python benchmarks/bench_history.py
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from loadtests.history import HistoryWriter, OrderOutcome, OrderRecord, file_of

ORDERS, BATCH = 200_000, 2_000
"""A batch is what a busy worker writes in a second."""


@dataclass(frozen=True, slots=True)
class Plain:
    """The same record as a frozen dataclass."""

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


NAMES = [field.name for field in fields(Plain)]


def values(number: int) -> dict[str, Any]:
    return {
        "start": 1_800_000_000 + number / 1e3,
        "end": 1_800_000_000 + number / 1e3 + 0.0123,
        "key": f"{number:032x}",
        "user": f"viewer-{number:07}",
        "sku": "lipstick-01",
        "quantity": 1,
        "outcome": OrderOutcome.ACCEPTED,
        "reason": "",
        "order_id": f"{number:036x}",
        "status": 201,
        "attempts": 1,
        "traceparent": f"00-{number:032x}-{number:016x}-01",
    }


def ours(folder: Path, orders: list[dict[str, Any]]) -> None:
    writer = HistoryWriter(file_of(folder, 0))
    for number, order in enumerate(orders, 1):
        writer.add(OrderRecord(**order))
        if number % BATCH == 0:
            writer.flush()


def plain(folder: Path, orders: list[dict[str, Any]]) -> None:
    waiting = list[Plain]()
    with file_of(folder, 0).open("w") as file:
        for number, order in enumerate(orders, 1):
            waiting.append(Plain(**order))
            if number % BATCH == 0:
                file.writelines(json.dumps({name: getattr(row, name) for name in NAMES}) + "\n" for row in waiting)
                file.flush()
                waiting.clear()


def microseconds(write: Callable[[Path, list[dict[str, Any]]], None], orders: list[dict[str, Any]]) -> float:
    """Of CPU time for each order; the best of three."""
    seconds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            started = time.process_time()
            write(Path(folder), orders)
            seconds.append(time.process_time() - started)
    return min(seconds) / len(orders) * 1e6


def main() -> None:
    orders = [values(number) for number in range(ORDERS)]
    mine, other = microseconds(ours, orders), microseconds(plain, orders)
    print(f"{mine:.2f} µs an order; a dataclass and json.dumps {other:.2f} µs, {other / mine:.1f} times as much")  # noqa: T201


if __name__ == "__main__":
    main()
