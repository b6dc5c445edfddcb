"""Orders per second of a core, in blocking style, beside FastHttpUser and wrk, against the same server.

`client` sends requests as FastHttpUser does; `order` is a whole order: templates, idempotency key, trace, history.
Per core: divided by the CPU seconds that the generator used, as the server shares the machine with it.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

from common import main, measure, server, table

VIEWERS, SECONDS = 64, 5


def client(port: int, seconds: float) -> dict[str, Any]:
    import crowds

    from loadtests.crowd.http import HttpClient
    from loadtests.report import Request
    from loadtests.users import CrowdUser, constant, task

    class Viewer(CrowdUser):
        wait_time = constant(0)

        @task
        def order(self) -> None:
            answer = http.request("POST", "/orders", headers, b'{"sku":"A1","qty":1}')
            report(Request("POST", "order", answer.response, len(answer.body), None, answer.service))

    runner, session = crowds.crowd(crowds.target(shop=port), Viewer)
    http, headers = HttpClient(session.engine, f"http://127.0.0.1:{port}"), {"Content-Type": "application/json"}
    report = session.report
    return _drive(runner, seconds, session.settled)


def order(port: int, seconds: float) -> dict[str, Any]:
    import crowds

    from loadtests.users import CrowdUser, constant, task

    class Viewer(CrowdUser):
        wait_time = constant(0)

        @task
        def order(self) -> None:
            self.shop.order("A1")

    runner, session = crowds.crowd(crowds.target(shop=port), Viewer)
    return _drive(runner, seconds, session.settled)


def fast(port: int, seconds: float) -> dict[str, Any]:
    import crowds
    import locust

    class Viewer(locust.FastHttpUser):
        host = f"http://127.0.0.1:{port}"
        wait_time = locust.constant(0)

        @locust.task
        def order(self) -> None:
            headers = {"Content-Type": "application/json"}
            self.client.post("/orders", data=b'{"sku":"A1","qty":1}', headers=headers, name="order")

    return _drive(crowds.stock(Viewer), seconds)


def _drive(runner: Any, seconds: float, settle: Callable[[], object] = lambda: None) -> dict[str, Any]:
    import crowds
    import gevent

    crowds.fill(runner, VIEWERS)
    gevent.sleep(1.0)
    settle()
    before, cpu = runner.stats.total.num_requests, crowds.Cpu()
    gevent.sleep(seconds)
    settle()
    orders = runner.stats.total.num_requests - before
    assert runner.stats.total.num_failures == 0
    return {"wall": orders / cpu.wall(), "core": orders / cpu.seconds()}


def wrk(port: int) -> dict[str, Any] | None:
    tool = shutil.which("wrk")
    if tool is None:
        return None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [tool, "-t1", f"-c{VIEWERS}", f"-d{SECONDS}s", "-s", "/dev/stdin", f"http://127.0.0.1:{port}/orders"]
    script = """wrk.method="POST" wrk.body='{"sku":"A1","qty":1}' wrk.headers["Content-Type"]="application/json" """
    said = subprocess.run(command, input=script, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    count = re.search(r"(\d+) requests in", said)
    assert count
    return {"wall": int(count[1]) / SECONDS, "core": int(count[1]) / used}


def benchmark() -> None:
    with server("orders") as port:
        got = {
            "flashcrowd, client": measure(__file__, "client", port, SECONDS),
            "flashcrowd, whole order": measure(__file__, "order", port, SECONDS),
            "FastHttpUser": measure(__file__, "fast", port, SECONDS),
            "wrk": wrk(port),
        }
    if got["wrk"] is None:
        del got["wrk"]  # the Debian package wrk is not there
    base, top = got["FastHttpUser"]["core"], got.get("wrk", {"core": float("nan")})["core"]
    rows = [(name, one["core"], one["wall"], one["core"] / base, one["core"] / top) for name, one in got.items()]
    head = ("", "a CPU second", "a second", "x FastHttpUser", "x wrk")
    table(f"orders, {VIEWERS} viewers, no pause between them", head, rows)


if __name__ == "__main__":
    main(benchmark, [client, order, fast])
