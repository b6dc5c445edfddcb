"""Processes: a small HTTP service with a pidfile, and what supervises it, for the faults that end or stop processes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from flashcrowd.process import Supervisor, accepts, free_port
from stands import Stand

HOST = "127.0.0.1"

SERVICE = """
import http.server, os, sys
pidfile, port = sys.argv[1:]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
with open(pidfile + ".new", "w") as file:
    file.write(str(os.getpid()))
os.replace(pidfile + ".new", pidfile)
server.serve_forever()
"""
"""An HTTP service that tells its process id; it writes its pidfile when it listens."""

KEEPER = """
import http.server, os, signal, subprocess, sys, threading
port, *command = sys.argv[1:]
lock = threading.Lock()
child = subprocess.Popen(command)
def end(*_):
    child.kill()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global child
        with lock:
            running = child.poll() is None
            if not running:
                child = subprocess.Popen(command)
        self.send_response(409 if running else 200)
        self.end_headers()
    def do_HEAD(self):
        self.send_response(405)
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""
"""Supervises one command, which ends with it: a POST starts it again when it has ended."""


def words(pidfile: Path, port: int) -> list[str]:
    """The service's command line."""
    return [sys.executable, "-c", SERVICE, str(pidfile), str(port)]


async def written(pidfile: Path) -> bool:
    """Whether the service has written its pidfile: it takes connections a moment before that."""
    return await asyncio.to_thread(pidfile.exists)


@asynccontextmanager
async def kept(folder: Path, supervisor: Supervisor) -> AsyncIterator[tuple[dict[str, Any], Path]]:
    """A component with one process, and what starts it again on a POST; and its pidfile."""
    port, keeper_port, pidfile = free_port(), free_port(), folder / "inventory.pid"
    keeper = supervisor.spawn("keeper", [sys.executable, "-c", KEEPER, str(keeper_port), *words(pidfile, port)])
    await keeper.ready(lambda: accepts(HOST, keeper_port))
    await keeper.ready(lambda: written(pidfile))
    process = {"pidfile": str(pidfile), "start": {"post": f"http://{HOST}:{keeper_port}/${{name}}/start"}}
    yield {"process": process, "probe": f"http://{HOST}:{port}/"}, pidfile


def is_stopped(pidfile: Path) -> bool:
    """Whether the process of a pidfile stands still."""
    try:
        return psutil.Process(int(pidfile.read_text())).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


def runs(pidfile: Path) -> bool:
    """Whether the process of a pidfile is there."""
    try:
        return psutil.Process(int(pidfile.read_text())).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def with_process(fault: dict[str, Any], broken: Callable[[Path], bool]) -> Callable[[Path, Supervisor], Any]:
    """A stand with one process; `broken` tells by its pidfile whether a fault is in place."""

    @asynccontextmanager
    async def stand(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
        async with kept(folder, supervisor) as (component, pidfile):

            async def present() -> bool:
                return broken(pidfile)

            yield Stand(component, fault, present)

    return stand


@asynccontextmanager
async def restarted(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    """A restart is over when another process runs: it leaves nothing in place."""
    async with kept(folder, supervisor) as (component, pidfile):

        async def present() -> bool:
            return not runs(pidfile)

        yield Stand(component, {"grace": "1s"}, present, passes=True)


STANDS: dict[str, Callable[[Path, Supervisor], Any]] = {
    "process.kill": with_process({}, lambda pidfile: not runs(pidfile)),
    "process.pause": with_process({}, is_stopped),
    "process.restart": restarted,
}
