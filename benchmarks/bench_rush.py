"""The rush: 20,000 parked viewers of one process are told to order at the same instant. How late were we?

Late is the generator's own lag: from the instant at which each viewer was to start until it did. It is kept apart from
what the server took, and from what the viewer waited for one of the shop's connections.
"""

from __future__ import annotations

from typing import Any

from common import main, measure, server, table

COUNT = 20_000


def rush(port: int, count: int, connections: int) -> dict[str, Any]:
    import time

    import crowds
    import gevent

    from loadtests.crowd.histogram import LatencyHistogram
    from loadtests.users import CrowdUser, constant, task

    class Viewer(CrowdUser):
        wait_time = constant(600)

        def on_start(self) -> None:
            self.look_around()
            parked.append(self)

        @task
        def nothing(self) -> None: ...

        def buy(self, event: object) -> None:
            started.record(time.monotonic() - opening)
            self.shop.order("lipstick-01")

    def doors() -> None:
        now, run = time.time(), session.live.handlers.run
        for viewer in parked:
            run(viewer.buy, None, viewer.failed, now)

    parked, started = list[Viewer](), LatencyHistogram()
    runner, session = crowds.crowd(crowds.target(live=port, shop=port), Viewer)
    session.shop._client.most = connections
    crowds.fill(runner, count, 5_000.0)
    while len(parked) < count:
        gevent.sleep(0.1)
    crowds.settle()
    cpu, opening, orders = crowds.Cpu(), time.monotonic(), session.tally.orders
    session.engine.call(doors)
    while sum(orders.values()) < count:
        gevent.sleep(0.05)
    session.settled()
    took, service = cpu.wall(), session.tally.services["order"]
    return {
        "p50": started.quantile(0.5), "p99": started.quantile(0.99), "last": started.highest, "took": took,
        "cpu": cpu.seconds(), "accepted": orders["accepted"], "service": service.quantile(0.5),
        "lag": session.engine.start_lag.highest, "read": session.engine.read_lag.quantile(0.99),
    }  # fmt: skip


def benchmark() -> None:
    rows = []
    for connections in (256, 4_096):
        with server("orders") as port:
            got = measure(__file__, "rush", port, COUNT, connections)
        late = [f"{got[name] * 1e3:,.0f}" for name in ("p50", "p99", "last", "lag", "service", "read")]
        rows.append((f"{connections:,} connections", got["accepted"], *late, got["took"], got["cpu"]))
    head = (
        "",
        "accepted",
        "late p50, ms",
        "p99",
        "last",
        "lag in report",
        "service p50",
        "read lag p99",
        "s in all",
        "CPU s",
    )
    table(f"{COUNT:,} parked viewers told to order at once", head, rows)


if __name__ == "__main__":
    main(benchmark, [rush])
