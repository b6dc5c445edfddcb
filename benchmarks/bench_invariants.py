"""The judge of orders on a long history, beside reading the same lines as JSON and doing nothing with them.

python benchmarks/bench_invariants.py
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from loadtests.history import HistoryWriter, OrderOutcome, OrderRecord, file_of, read_history
from loadtests.invariants import judge
from loadtests.ledger import LedgerEntry

ORDERS = 300_000


def record(number: int) -> OrderRecord:
    accepted = number % 3 == 0
    return OrderRecord(
        start=number / 1e3,
        end=number / 1e3 + 0.1,
        key=f"{number:032x}",
        user=f"viewer-{number:07}",
        sku="lipstick-01",
        quantity=1,
        outcome=OrderOutcome.ACCEPTED if accepted else OrderOutcome.REJECTED,
        reason="" if accepted else "sold_out",
        order_id=f"{number:036x}" if accepted else "",
        status=201 if accepted else 409,
        attempts=1,
        traceparent=f"00-{number:032x}-{number:016x}-01",
    )


def main() -> None:
    stock = len(range(0, ORDERS, 3))
    with tempfile.TemporaryDirectory() as folder:
        writer = HistoryWriter(file_of(Path(folder), 0))
        for number in range(ORDERS):
            writer.add(record(number))
        writer.flush()
        started = time.perf_counter()
        for line in file_of(Path(folder), 0).open():
            json.loads(line)
        plain = time.perf_counter() - started
        ledger = (
            LedgerEntry(f"{n:036x}", f"{n:032x}", f"viewer-{n:07}", "lipstick-01", 1) for n in range(0, ORDERS, 3)
        )
        started = time.perf_counter()
        found = judge(read_history(Path(folder)), ledger, {"lipstick-01": stock})
        judged = time.perf_counter() - started
    assert found.summary.accepted == stock
    assert not any(asdict(found.summary)[name] for name in ("oversold", "lost", "duplicate"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201
        f"{ORDERS:,} orders judged in {judged:.2f} s, {judged / plain:.1f} times as long as reading them as JSON; "
        f"{judged / ORDERS * 1e6:.1f} s for a million; peak {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
