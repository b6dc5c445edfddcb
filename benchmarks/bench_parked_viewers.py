"""Memory of a parked WebSocket viewer above the empty process, beside stock Locust with websockets.sync."""

from __future__ import annotations

from typing import Any

from common import certificate, main, measure, rss, server, table

COUNT, FEWER = 10_000, 2_000


def crowd(port: int, count: int, scheme: str) -> dict[str, Any]:
    import crowds
    import gevent

    from loadtests.users import CrowdUser, constant, task

    class Viewer(CrowdUser):
        wait_time = constant(600)

        def on_start(self) -> None:
            self.room = self.live.enter(self.identity)
            self.look_around()

        @task
        def nothing(self) -> None: ...

    runner, session = crowds.crowd(crowds.target(live=port, scheme=scheme), Viewer)
    crowds.settle(1.0)
    empty = rss()
    crowds.fill(runner, count)
    while session.tally.viewers["connected"] < count:
        gevent.sleep(0.1)
    crowds.settle()
    return {"each": (rss() - empty) / count, "all": rss(), "lanes": session.engine.pool.lanes}


def stock(port: int, count: int, scheme: str) -> dict[str, Any]:
    import crowds
    import gevent
    import locust
    from websockets.sync.client import connect

    connected = []

    class Viewer(locust.User):
        @locust.task
        def watch(self) -> None:
            with connect(f"{scheme}://127.0.0.1:{port}/", compression=None, open_timeout=60) as socket:
                connected.append(self)
                socket.recv()

    runner = crowds.stock(Viewer)
    crowds.settle(1.0)
    empty = rss()
    crowds.fill(runner, count, 200.0)
    while len(connected) < count:
        gevent.sleep(0.1)
    crowds.settle()
    return {"each": (rss() - empty) / count, "all": rss(), "lanes": count}


def benchmark() -> None:
    rows = []
    with server("chat", 0) as port:
        rows.append(("flashcrowd, plain", COUNT, measure(__file__, "crowd", port, COUNT, '"ws"')))
        rows.append(("stock Locust, plain", FEWER, measure(__file__, "stock", port, FEWER, '"ws"')))
    with certificate() as file, server("chat", 0, "together", file) as port:
        rows.append(("flashcrowd, TLS", FEWER, measure(__file__, "crowd", port, FEWER, '"wss"')))
    table(
        "memory of a parked viewer",
        ("", "viewers", "KB each", "MB in all", "greenlets"),
        [(name, n, got["each"] / 1e3, got["all"] / 1e6, got["lanes"]) for name, n, got in rows],
    )


if __name__ == "__main__":
    main(benchmark, [crowd, stock])
