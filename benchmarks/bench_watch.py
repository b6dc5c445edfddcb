"""CPU and memory of a viewer who watches HLS with segments of one second, beside the playing and parsing alone."""

from __future__ import annotations

import time
from typing import Any

from common import main, measure, rss, server, table

SECONDS = 20.0
SIZES = {"1 KB": 1_000, "60 KB (480 kbit/s)": 60_000}
COUNTS = (300, 1_000)


def crowd(port: int, count: int) -> dict[str, Any]:
    import crowds
    import gevent

    from loadtests.users import CrowdUser, constant, task

    class Viewer(CrowdUser):
        wait_time = constant(600)

        def on_start(self) -> None:
            self.stream.watch()
            self.look_around()

        @task
        def nothing(self) -> None: ...

    runner, session = crowds.crowd(crowds.target(stream=port), Viewer)
    crowds.settle(1.0)
    empty, seen = rss(), session.tally.playback
    crowds.fill(runner, count, 200.0)
    while seen.startup_times.count < count:
        gevent.sleep(0.1)
    crowds.settle(4.0)
    used, fetched = crowds.Cpu(), sum(session.tally.requests.values())
    gevent.sleep(SECONDS)
    requests = sum(session.tally.requests.values()) - fetched
    return {
        "cpu": used.seconds() / used.wall() / count,
        "cores": used.seconds() / used.wall(),
        "each": (rss() - empty) / count,
        "requests": requests / used.wall() / count,
        "lanes": session.engine.pool.lanes,
        "stalls": seen.stalls,
        "lag": session.tally.lag.quantile(0.99),
    }


def thinking(count: int) -> dict[str, Any]:
    """What a player thinks for each second of the picture, without any I/O."""
    from loadtests.hls.player import Fetch, Player
    from loadtests.hls.playlist import Media, Segment
    from loadtests.playback import Playback

    player, now = Player("http://127.0.0.1/main/live.m3u8", Playback(), 0.0), 0.0
    began = time.process_time()
    while now < count:
        wanted = player.next(now)
        if not isinstance(wanted, Fetch):
            now = wanted
        elif wanted.segment is not None:
            player.fed(wanted, 60_000, 0.01, now)
        else:
            first = int(now)
            player.loaded(wanted, Media(1.0, first, tuple(Segment(f"{n}.ts", 1.0, n) for n in range(6))), now)
    return {"cpu": (time.process_time() - began) / count}


def benchmark() -> None:
    rows = []
    for name, size in SIZES.items():
        for count in COUNTS:
            with server("hls", size) as port:
                got = measure(__file__, "crowd", port, count)
            figures = [got[key] for key in ("requests", "cores", "lanes", "stalls", "lag")]
            rows.append((f"{name}, {count} viewers", got["cpu"] * 1e6, got["each"] / 1e3, *figures))
    rows.append(("the player alone", measure(__file__, "thinking", 20_000)["cpu"] * 1e6, *["-"] * 6))
    head = ("", "us a viewer and second", "KB a viewer", "requests/s each", "cores", "lanes", "stalls", "lag p99, s")
    table("watching HLS", head, rows)


if __name__ == "__main__":
    main(benchmark, [crowd, thinking])
