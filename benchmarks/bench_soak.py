"""A soak: viewers of one process leave and join for ten minutes, chat and order. Does its memory grow?

python benchmarks/bench_soak.py [MINUTES]

Every ten seconds a third of the viewers leaves, and ten seconds later as many others join; all hear comments, say some
and order. Memory is looked at when all are there. The second minute's is what the last one's is measured by: in the
first, Python's allocator and the interned strings of the code find their size.
"""

from __future__ import annotations

import sys
from typing import Any

from common import main, measure, rss, server, table

COUNT, FEWEST, HALF, MINUTES = 3_000, 2_000, 10.0, 10


def soak(live: int, shop: int, minutes: int) -> dict[str, Any]:
    import gc

    import crowds
    import gevent

    from loadtests.users import CrowdUser, between, phrase, task

    class Viewer(CrowdUser):
        wait_time = between(5, 15)

        def on_start(self) -> None:
            self.room = self.live.enter(self.identity)
            self.look_around()

        @task(1)
        def chat(self) -> None:
            self.room.say(phrase())

        @task(4)
        def buy(self) -> None:
            self.shop.order("A1")

    runner, session = crowds.crowd(crowds.target(live=live, shop=shop), Viewer)
    seen, orders = list[float](), session.tally.orders
    for _ in range(minutes):
        for _ in range(int(60 / (2 * HALF))):
            crowds.fill(runner, COUNT)
            gevent.sleep(HALF)
            gc.collect()
            memory = rss()
            runner.start(FEWEST, spawn_rate=COUNT)
            gevent.sleep(HALF)
        seen.append(memory)
    session.settled()
    return {
        "memory": seen,
        "orders": sum(orders.values()),
        "frames": session.tally.delivery_times.count,
        "errors": session.engine.errors,
        "open": session.engine.watching,
    }


def benchmark(minutes: int = MINUTES) -> None:
    with server("chat", 2) as live, server("orders") as shop:
        got = measure(__file__, "soak", live, shop, minutes, timeout=minutes * 60.0 + 120.0)
    memory = got["memory"]
    base = memory[min(1, len(memory) - 1)]
    rows = [(f"minute {minute}", used / 2**20, used / base) for minute, used in enumerate(memory, 1)]
    table(f"memory of {COUNT:,} viewers, a third of them leaving and joining", ("", "MiB", "x minute 2"), rows)
    head = ("", "orders", "frames", "errors of the loop", "connections at the end")
    table("what they did", head, [("in all", got["orders"], got["frames"], got["errors"], got["open"])])


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].isdigit():
        benchmark(int(sys.argv[1]))
    else:
        main(benchmark, [soak])
