"""Memory of a parked WebSocket viewer above the empty process, beside stock Locust with websockets.sync, and tsung."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
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


TSUNG = """<?xml version="1.0"?><!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd">
<tsung loglevel="error">
<clients><client host="localhost" use_controller_vm="true" maxusers="64000"/></clients>
<servers><server host="127.0.0.1" port="{port}" type="tcp"/></servers>
<load><arrivalphase phase="1" duration="10" unit="minute">
<users maxnumber="{count}" arrivalrate="400" unit="second"/></arrivalphase></load>
<sessions><session name="watch" probability="100" type="ts_websocket">
<request><websocket type="connect" path="/"/></request>
<thinktime value="600"/><request><websocket type="close"/></request></session></sessions>
</tsung>"""


def tsung(port: int, count: int) -> dict[str, Any] | None:
    """The same viewers in tsung, which is written in Erlang; the Debian package."""
    if shutil.which("tsung") is None:
        return None
    empty, full = _tsung(port, 1), _tsung(port, count)
    return {"each": (full - empty) / count, "all": full, "lanes": count}


def _tsung(port: int, count: int) -> float:
    """Bytes of a tsung that holds so many viewers."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "tsung.xml")
        file.write_text(TSUNG.format(port=port, count=count))
        command = ["tsung", "-f", str(file), "-l", folder, "-I", "127.0.0.1", "start"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, **quiet, start_new_session=True)
        try:
            return _when(process, port, count)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            subprocess.run(["epmd", "-kill"], **quiet, check=False)  # Erlang's name server, which tsung has started


def _when(process: subprocess.Popen[bytes], port: int, count: int) -> float:
    """Bytes of all of a process's children once so many connections to the port are there."""
    until, remote = time.monotonic() + 120.0, f":{port:04X} 01"
    while time.monotonic() < until:
        connected = sum(remote in line for line in Path("/proc/net/tcp").read_text().splitlines())
        if connected >= count:
            time.sleep(2.0)
            return float(sum(one.memory_info().rss for one in _family(process.pid)))
        time.sleep(0.2)
    raise SystemExit(f"tsung did not hold {count} viewers within two minutes")


def _family(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def benchmark() -> None:
    rows = []
    with server("chat", 0) as port:
        rows.append(("flashcrowd, plain", COUNT, measure(__file__, "crowd", port, COUNT, '"ws"')))
        rows.append(("stock Locust, plain", FEWER, measure(__file__, "stock", port, FEWER, '"ws"')))
    with server("chat", 0) as port:
        if (got := tsung(port, COUNT)) is not None:
            rows.append(("tsung, plain", COUNT, got))
    with certificate() as file, server("chat", 0, "together", file) as port:
        rows.append(("flashcrowd, TLS", FEWER, measure(__file__, "crowd", port, FEWER, '"wss"')))
    table(
        "memory of a parked viewer",
        ("", "viewers", "KB each", "MB in all", "greenlets"),
        [(name, n, got["each"] / 1e3, got["all"] / 1e6, got["lanes"]) for name, n, got in rows],
    )


if __name__ == "__main__":
    main(benchmark, [crowd, stock])
