"""Resources: an HTTP service that works a little for each answer, and what is left to it of the machine.

`present` asks the kernel. Holders are told from those of other tests by the state folder in their environment.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from flashcrowd.process import Supervisor, accepts, free_port
from stands import Factory, Stand

HOST = "127.0.0.1"

SERVICE = """
import http.server, os, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass
        with open(__file__, "rb"):
            self.send_response(200)
        if self.path.startswith("/memory/"):
            self.server.kept = bytearray(int(self.path.rpartition("/")[2]))
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
"""An HTTP service on one CPU that works 10 ms for an answer, opens a file for it, and keeps /memory/BYTES."""


@dataclass(frozen=True)
class Service:
    """One that runs, and the component that it is."""

    pid: int
    url: str
    component: dict[str, Any]


@asynccontextmanager
async def service(folder: Path, supervisor: Supervisor) -> AsyncIterator[Service]:
    """A service with a pidfile and a probe."""
    port = free_port()
    script, pidfile, url = folder / "service.py", folder / "service.pid", f"http://{HOST}:{port}/"
    script.write_text(SERVICE)
    child = supervisor.spawn(f"service-{port}", [sys.executable, str(script), str(port)])
    pidfile.write_text(str(child.pid))
    await child.ready(lambda: accepts(HOST, port))
    process = {"pidfile": str(pidfile), "command": "service.py"}
    yield Service(child.pid, url, {"process": process, "probe": url})


def holders(folder: Path) -> list[psutil.Process]:
    """What injectors with a state folder in this one hold something by."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        if process.info["status"] != psutil.STATUS_ZOMBIE and "chaos.holder" in (process.info["cmdline"] or ()):
            with contextlib.suppress(psutil.Error):
                if process.environ().get("FLASHCROWD_STATE", "").startswith(str(folder)):
                    found.append(process)
    return found


@contextmanager
def small_disk(folder: Path, size: str = "64m") -> Iterator[Path]:
    """A file system of its own in a folder; skips where none can be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "flashcrowd-test", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("a file system can't be mounted here; run the tests as root")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def with_service(fault: dict[str, Any], look: Callable[[Path, Service], Callable[[], bool]]) -> Factory:
    """A stand whose look is made with the service before there is a fault."""

    @asynccontextmanager
    async def stand(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
        async with service(folder, supervisor) as it:
            yield Stand(it.component, fault, _asked(look(folder, it)))

    return stand


@asynccontextmanager
async def full_disk(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    with small_disk(folder) as disk:
        room = _room(disk)
        yield Stand({"folder": str(disk)}, {"leave": "0"}, _asked(lambda: _room(disk) < room))


def burning(folder: Path, _: Service) -> Callable[[], bool]:
    return lambda: bool(holders(folder))


def taken(folder: Path, _: Service) -> Callable[[], bool]:
    return lambda: any(_resident(one) > 32 * 2**20 for one in holders(folder))


def lowered(_: Path, it: Service) -> Callable[[], bool]:
    before = resource.prlimit(it.pid, resource.RLIMIT_NOFILE)
    return lambda: resource.prlimit(it.pid, resource.RLIMIT_NOFILE) != before


def limited(_: Path, it: Service) -> Callable[[], bool]:
    return lambda: "flashcrowd-" in Path(f"/proc/{it.pid}/cgroup").read_text()


def _asked(look: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def present() -> bool:
        return look()

    return present


def _room(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bfree * found.f_frsize


def _resident(process: psutil.Process) -> int:
    try:
        size: int = process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
    return size


STANDS: dict[str, Factory] = {
    "resource.cpu": with_service({"workers": 6}, burning),
    "resource.memory": with_service({"size": "64MiB"}, taken),
    "resource.disk": full_disk,
    "resource.files": with_service({"spare": 0}, lowered),
    "resource.cgroup": with_service({"cpu": "5%"}, limited),
}
