"""Stopping 20,000 viewers of one process: the time, and the memory that it takes, beside stock Locust's sleepers."""

from __future__ import annotations

from typing import Any

from common import main, measure, peak, rss, server, table

COUNT, CONNECTED = 20_000, 15_000


def crowd(port: int, count: int, connected: bool) -> dict[str, Any]:
    import crowds
    import gevent

    from loadtests.users import CrowdUser, constant, task

    class Viewer(CrowdUser):
        wait_time = constant(600)

        def on_start(self) -> None:
            if connected:
                self.room = self.live.enter(self.identity)
            self.look_around()

        @task
        def nothing(self) -> None: ...

    runner, session = crowds.crowd(crowds.target(live=port), Viewer)
    crowds.fill(runner, count, 1_500.0 if connected else 5_000.0)
    while connected and session.tally.viewers["connected"] < count:
        gevent.sleep(0.1)
    return _stop(runner)


def stock(count: int) -> dict[str, Any]:
    import crowds
    import locust

    class Viewer(locust.User):
        wait_time = locust.constant(600)

        @locust.task
        def nothing(self) -> None: ...

    runner = crowds.stock(Viewer)
    crowds.fill(runner, count, 5_000.0)
    return _stop(runner)


def _stop(runner: Any) -> dict[str, Any]:
    import crowds

    crowds.settle()
    before, cpu = rss(), crowds.Cpu()
    runner.stop()
    took = cpu.wall()
    assert runner.user_count == 0
    return {"seconds": took, "before": before, "spike": peak() / before - 1}


def benchmark() -> None:
    with server("chat", 0) as port:
        got = {
            "flashcrowd, parked": (COUNT, measure(__file__, "crowd", port, COUNT, "false")),
            "flashcrowd, connected": (CONNECTED, measure(__file__, "crowd", port, CONNECTED, "true")),
            "stock Locust, sleeping": (COUNT, measure(__file__, "stock", COUNT)),
        }
    rows = [(n, c, f["seconds"], f["before"] / 1e6, f"{f['spike']:.0%}") for n, (c, f) in got.items()]
    table("stopping all viewers of a process", ("", "viewers", "seconds", "MB before", "more at the peak"), rows)


if __name__ == "__main__":
    main(benchmark, [crowd, stock])
