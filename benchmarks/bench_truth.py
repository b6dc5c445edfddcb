"""How far reported latencies are off the truth: a server that delays by a known amount, and stamps its own sends.

Each request carries the time of its sending, and the server notes how long after it the answer left: so what the server
itself was late counts as the server's. Connections are there before. The generators get ever less of their core: ours
and FastHttpUser burn CPU in their own process, as a scenario that computes would; wrk shares its core with a process
that does. wrk can't say when it sends: its truth is what the server took from reading to answering.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import ENV, main, measure, server, table

VIEWERS, SECONDS = 100, 8
LOADS = (0.0, 0.5, 0.9)
TOLD = {"crowd": "told", "fast": "told", "wrk": "untold"}
BODY = b'{"sku":"A1"}'


def crowd(port: int, load: float) -> dict[str, Any]:
    import time

    import crowds

    from loadtests.crowd.http import HttpClient
    from loadtests.report import Request
    from loadtests.users import CrowdUser, between, task

    class Viewer(CrowdUser):
        wait_time = between(0.5, 1.5)

        def on_start(self) -> None:
            self.kept = http.viewer()
            http.request("POST", "/orders", {}, BODY, self.kept)

        @task
        def order(self) -> None:
            answer = http.request("POST", "/orders", {"X-Sent": repr(time.time())}, BODY, self.kept)
            session.report(Request("POST", "order", answer.response, len(answer.body), None, answer.service))

    runner, session = crowds.crowd(crowds.target(shop=port), Viewer)
    http = HttpClient(session.engine, f"http://127.0.0.1:{port}", "own")
    figures = _drive(runner, load)
    service, lag = session.settled().services["order"], session.engine.read_lag
    return {**figures, "p50": service.quantile(0.5), "p99": service.quantile(0.99), "lag": lag.quantile(0.99)}


def fast(port: int, load: float) -> dict[str, Any]:
    import time

    import crowds
    import locust

    class Viewer(locust.FastHttpUser):
        host = f"http://127.0.0.1:{port}"
        wait_time = locust.between(0.5, 1.5)

        def on_start(self) -> None:
            self.client.post("/orders", data=BODY, name="connect")

        @locust.task
        def order(self) -> None:
            self.client.post("/orders", data=BODY, name="order", headers={"X-Sent": repr(time.time())})

    runner = crowds.stock(Viewer)
    figures = _drive(runner, load)
    orders = runner.stats.get("order", "POST")
    p50, p99 = (orders.get_response_time_percentile(ratio) / 1e3 for ratio in (0.5, 0.99))
    return {**figures, "p50": p50, "p99": p99, "lag": 0.0}


def burner(load: float) -> dict[str, Any]:
    """A process that takes this share of its core, until it is killed."""
    import time

    while True:
        _burn(time.perf_counter)
        time.sleep(0.005 / load - 0.005)


def wrk(port: int, load: float) -> dict[str, Any] | None:
    """wrk on one core, beside a burner; it knows no pauses, so two connections make about as many requests."""
    tool = shutil.which("wrk")
    if tool is None:
        return None  # the Debian package wrk is not there
    pin = ["taskset", "-c", "0"]
    rival = subprocess.Popen([*pin, sys.executable, __file__, "burner", str(load)], env=ENV) if load else None
    try:
        command = [*pin, tool, "-t1", "-c2", f"-d{SECONDS}s", "--latency", f"http://127.0.0.1:{port}/orders"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        if rival is not None:
            rival.kill()
            rival.wait()
    p50, p99 = (_seconds(re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", said)) for share in (50, 99))
    return {"busy": load, "p50": p50, "p99": p99, "lag": 0.0}


def _seconds(found: re.Match[str] | None) -> float:
    assert found is not None
    return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1.0}[found[2]]


def _burn(clock: Any) -> None:
    until = clock() + 0.005
    while clock() < until:
        pass


def _drive(runner: Any, load: float) -> dict[str, Any]:
    import time

    import crowds
    import gevent

    def burn() -> None:
        while True:
            _burn(time.thread_time)
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
    for load in LOADS:
        for name, told in TOLD.items():
            with tempfile.NamedTemporaryFile() as file, server("orders", file.name, told) as port:
                got = wrk(port, load) if name == "wrk" else measure(__file__, name, port, load)
                if got is None:
                    continue
                truth = sorted(json.loads(Path(file.name).read_text()))
            off = [got[key] * 1e3 - truth[int(len(truth) * at)] * 1e3 for key, at in (("p50", 0.5), ("p99", 0.99))]
            label = {"crowd": "flashcrowd", "fast": "FastHttpUser", "wrk": "wrk"}[name]
            rows.append((label, f"{got['busy']:.0%}", len(truth), *off, got["lag"] * 1e3))
    head = ("", "core busy", "answers", "p50 off by, ms", "p99 off by, ms", "own lag p99, ms")
    table("what is reported of a server whose delays are known", head, rows)


if __name__ == "__main__":
    main(benchmark, [crowd, fast, burner])
