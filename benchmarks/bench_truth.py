"""Latency truth: how far is a report off, while the generator's core is kept busy by something else as well?

The server delays each answer by 10 to 30 ms, and writes down how long it really did. Both generators send the same
requests at the same rate; beside them a greenlet burns a share of the core, 5 ms at a time. Off is the reported
quantile less the server's own: the way there and back, and what the generator adds of itself.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from common import main, measure, server, table

VIEWERS, RATE, SECONDS = 100, 100, 6


def crowd(port: int, load: float) -> dict[str, Any]:
    import crowds

    from loadtests.users import CrowdUser, between, task

    class Viewer(CrowdUser):
        wait_time = between(0.5, 1.5)

        @task
        def order(self) -> None:
            self.shop.order("A1")

    runner, session = crowds.crowd(crowds.target(shop=port), Viewer)
    figures = _drive(runner, load)
    service, lag = session.tally.services["order"], session.engine.read_lag
    return {**figures, "p50": service.quantile(0.5), "p99": service.quantile(0.99), "lag": lag.quantile(0.99)}


def fast(port: int, load: float) -> dict[str, Any]:
    import crowds
    import locust

    class Viewer(locust.FastHttpUser):
        host = f"http://127.0.0.1:{port}"
        wait_time = locust.between(0.5, 1.5)

        @locust.task
        def order(self) -> None:
            self.client.post("/orders", data=b'{"sku":"A1","qty":1}', name="order")

    runner = crowds.stock(Viewer)
    figures = _drive(runner, load)
    total = runner.stats.total
    p50, p99 = (total.get_response_time_percentile(ratio) / 1e3 for ratio in (0.5, 0.99))
    return {**figures, "p50": p50, "p99": p99, "lag": 0.0}


def _drive(runner: Any, load: float) -> dict[str, Any]:
    import time

    import crowds
    import gevent

    def burn() -> None:
        while True:
            until = time.thread_time() + 0.005
            while time.thread_time() < until:
                pass
            gevent.sleep(0.005 / load - 0.005)

    if load:
        gevent.spawn(burn)
    crowds.fill(runner, VIEWERS)
    cpu = crowds.Cpu()
    gevent.sleep(SECONDS)
    busy = cpu.seconds() / cpu.wall()
    runner.stop()
    gevent.sleep(0.7)  # the server writes its delays twice a second
    return {"busy": busy}


def benchmark() -> None:
    rows = []
    for load in (0.0, 0.5, 0.8):
        for name in ("crowd", "fast"):
            with tempfile.NamedTemporaryFile() as file, server("orders", file.name) as port:
                got = measure(__file__, name, port, load)
                truth = sorted(json.loads(Path(file.name).read_text()))
            off = [got[key] * 1e3 - truth[int(len(truth) * at)] * 1e3 for key, at in (("p50", 0.5), ("p99", 0.99))]
            label = {"crowd": "flashcrowd", "fast": "FastHttpUser"}[name]
            rows.append((label, f"{got['busy']:.0%}", len(truth), *off, got["lag"] * 1e3))
    head = ("", "core busy", "answers", "p50 off by, ms", "p99 off by, ms", "own lag p99, ms")
    table("what is reported of a server whose delays are known", head, rows)


if __name__ == "__main__":
    main(benchmark, [crowd, fast])
