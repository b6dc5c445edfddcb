"""The judge of a million orders from its files, beside reading the same lines as JSON and doing nothing with them.

Two mixes: a rush, in which one in three is accepted, and the worst case, in which all are. Each in a process of its
own, so that its peak of memory is its own.

python benchmarks/bench_invariants.py [ORDERS]
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

from loadtests.history import HistoryWriter, OrderOutcome, OrderRecord, file_of, read_history
from loadtests.invariants import Sale, judge
from loadtests.jsonlines import encode
from loadtests.ledger import LedgerEntry, saved_orders

ORDERS = 1_000_000
BATCH = 10_000
SKU = "lipstick-01"


def record(number: int, every: int) -> OrderRecord:
    accepted = number % every == 0
    return OrderRecord(
        start=1_800_000_000 + number / 1e3,
        end=1_800_000_000 + number / 1e3 + 0.0123,
        key=f"{number:032x}",
        user=f"viewer-{number:07}",
        sku=SKU,
        quantity=1,
        outcome=OrderOutcome.ACCEPTED if accepted else OrderOutcome.REJECTED,
        reason="" if accepted else "sold_out",
        order_id=f"{number:036x}" if accepted else "",
        status=201 if accepted else 409,
        attempts=1,
        traceparent=f"00-{number:032x}-{number:016x}-01",
    )


def write(folder: Path, orders: int, every: int) -> None:
    """The files that a load of so many orders leaves."""
    history = HistoryWriter(file_of(folder, 0))
    with (folder / "ledger.jsonl").open("wb") as ledger:
        for start in range(0, orders, BATCH):
            records = [record(number, every) for number in range(start, min(start + BATCH, orders))]
            for row in records:
                history.add(row)
            history.flush()
            accepted = [row for row in records if row.order_id]
            ledger.write(encode([LedgerEntry(row.order_id, row.key, row.user, SKU, 1, "s") for row in accepted]))


def read(folder: Path) -> float:
    """Seconds to read all lines as JSON with the standard library."""
    started = time.process_time()
    for path in folder.glob("*.jsonl"):
        for line in path.open():
            json.loads(line)
    return time.process_time() - started


def judged(folder: Path, stock: int) -> tuple[float, float]:
    """CPU seconds, and the peak of memory in MB."""
    sale = Sale(SKU, stock, 1_700_000_000.0, "s", limit=1)
    started = time.process_time()
    found = judge(read_history(folder), saved_orders(folder / "ledger.jsonl"), [sale], settled=True)
    seconds = time.process_time() - started
    assert found.summary.accepted == found.summary.stored == stock
    assert not found.summary.oversold + found.summary.lost + found.summary.duplicate
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    for every in (3, 1):
        stock = len(range(0, orders, every))
        with (
            tempfile.TemporaryDirectory() as name,
            multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as own,
        ):
            own.apply(write, (Path(name), orders, every))
            plain = own.apply(read, (Path(name),))
            seconds, peak = own.apply(judged, (Path(name), stock))
        print(  # noqa: T201
            f"{orders:,} orders, {stock:,} stored: judged in {seconds:.2f} s, {seconds / plain:.2f} times as long as "
            f"reading them with json; peak {peak:.0f} MB"
        )


if __name__ == "__main__":
    main()
