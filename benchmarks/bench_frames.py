"""CPU of the generator per received frame, statistics included, beside stock Locust with websockets.sync.

Both receive the same frames from the same server: twice a second, as often as the storefront's chat sends, a comment
goes to the whole room, and every viewer notes how long it took.
"""

from __future__ import annotations

from typing import Any

from common import main, measure, server, table

COUNT, SECONDS, EVERY = 2_000, 8, 0.5


def crowd(port: int, count: int, seconds: float) -> dict[str, Any]:
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

    runner, session = crowds.crowd(crowds.target(live=port), Viewer)
    crowds.fill(runner, count)
    while session.tally.viewers["connected"] < count:
        gevent.sleep(0.1)
    crowds.settle()
    before, cpu = session.tally.delivery_times.count, crowds.Cpu()
    gevent.sleep(seconds)
    seen = session.tally.delivery_times
    return _figures(seen.count - before, cpu, seen.quantile(0.5), seen.quantile(0.99))


def stock(port: int, count: int, seconds: float) -> dict[str, Any]:
    import re
    import time

    import crowds
    import gevent
    import locust
    from websockets.sync.client import connect

    connected = []
    marker = re.compile(r"~\w+\.\w+\.(\w+)~")

    class Viewer(locust.User):
        @locust.task
        def watch(self) -> None:
            fire = self.environment.events.request.fire
            with connect(f"ws://127.0.0.1:{port}/", compression=None, open_timeout=60) as socket:
                connected.append(self)
                while True:
                    text = str(socket.recv())
                    took = time.time() - int(marker.findall(text)[0], 16) / 1e6
                    fire(request_type="WS", name="chat", response_time=took * 1e3, response_length=len(text),
                         exception=None, context={})  # fmt: skip

    runner = crowds.stock(Viewer)
    crowds.fill(runner, count, 200.0)
    while len(connected) < count:
        gevent.sleep(0.1)
    crowds.settle()
    runner.stats.reset_all()
    cpu = crowds.Cpu()
    gevent.sleep(seconds)
    total = runner.stats.total
    return _figures(
        total.num_requests, cpu,
        total.get_response_time_percentile(0.5) / 1e3, total.get_response_time_percentile(0.99) / 1e3,
    )  # fmt: skip


def _figures(frames: int, cpu: Any, p50: float, p99: float) -> dict[str, Any]:
    used = cpu.seconds()
    return {"frames": frames, "us": used / max(1, frames) * 1e6, "core": used / cpu.wall(), "p50": p50, "p99": p99}


def benchmark() -> None:
    with server("chat", EVERY) as port:
        ours = measure(__file__, "crowd", port, COUNT, SECONDS)
    with server("chat", EVERY) as port:
        theirs = measure(__file__, "stock", port, COUNT, SECONDS)
    rows = []
    for name, got in (("flashcrowd", ours), ("stock Locust", theirs)):
        millis = got["p50"] * 1e3, got["p99"] * 1e3
        rows.append((name, got["frames"], got["us"], f"{got['core']:.1%}", got["us"] / theirs["us"], *millis))
    head = ("", "frames", "us CPU a frame", "of a core", "ratio", "reported p50, ms", "reported p99, ms")
    table(f"CPU per received frame, {COUNT:,} viewers", head, rows)


if __name__ == "__main__":
    main(benchmark, [crowd, stock])
