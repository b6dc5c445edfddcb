"""Network namespaces: a service in one of its own, with a client beside it that keeps asking."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flashcrowd.process import Child, Supervisor
from stands import Stand

PORT = 8000

SERVICE = """
import http.server, os, socket, sys, threading
received = 0
def count():
    global received
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    udp.bind(("127.0.0.1", 8000))
    while udp.recv(100):
        received += 1
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(received).encode() if self.path == "/received" else b"x" * 1_000_000 * (self.path == "/big") or b"ok"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
threading.Thread(target=count, daemon=True).start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Handler)
open(sys.argv[1], "w").write(str(os.getpid()))
server.serve_forever()
"""
"""HTTP on port 8000, /big being 1 MB, and a count of the UDP datagrams that came to the same port at /received."""

CLIENT = """
import time, urllib.request
while True:
    try:
        urllib.request.urlopen("http://127.0.0.1:8000/", timeout=0.2).read()
    except OSError:
        pass
    time.sleep(0.02)
"""
"""A trickle of requests, whatever becomes of them."""


@dataclass(frozen=True)
class Inside:
    """A namespace with a service and its pidfile."""

    name: str
    pidfile: Path

    async def run(self, *words: str) -> str:
        """Run a command in it; its stdout."""
        return await run("ip", "netns", "exec", self.name, *words)

    async def answers(self) -> bool:
        """Whether its service has written its pidfile, and so listens."""
        return await asyncio.to_thread(lambda: self.pidfile.exists() and self.pidfile.read_text() != "")

    async def tables(self) -> list[str]:
        """The nftables tables in it."""
        found = json.loads(await self.run("nft", "-j", "list", "tables"))["nftables"]
        return [one["table"]["name"] for one in found if "table" in one]

    async def queues(self) -> list[str]:
        """The kinds of queues on its interfaces, but for those that the kernel puts there by itself."""
        found = json.loads(await self.run("tc", "-j", "qdisc", "show"))
        return [one["kind"] for one in found if one["handle"] != "0:"]

    @property
    def network(self) -> dict[str, Any]:
        return {"namespace": self.name, "ports": [PORT], "interface": "lo"}


async def run(*words: str) -> str:
    """Run a program, an administrator's too; its stdout."""
    path = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, env={"PATH": path})
    output, _ = await process.communicate()
    assert process.returncode == 0, words
    return output.decode()


@asynccontextmanager
async def inside(folder: Path, supervisor: Supervisor, busy: bool = True) -> AsyncIterator[Inside]:
    """A namespace with the service in it, and the client too, if it is to be busy."""
    there = Inside(f"fctest{secrets.token_hex(4)}", folder / "service.pid")
    children: list[Child] = []
    await run("ip", "netns", "add", there.name)
    try:
        await there.run("ip", "link", "set", "lo", "up")
        for name, program in ({"service": SERVICE} | ({"client": CLIENT} if busy else {})).items():
            words = ["ip", "netns", "exec", there.name, sys.executable, "-c", program, str(there.pidfile)]
            children.append(supervisor.spawn(f"{name}-{there.name}", words, {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}))
        await children[0].ready(there.answers)
        yield there
    finally:
        for child in children:
            child.kill()
            with contextlib.suppress(asyncio.CancelledError):
                await child.wait()
        await run("ip", "netns", "del", there.name)


def packets(fault: dict[str, Any]) -> Callable[[Path, Supervisor], Any]:
    """A stand for a fault on packets of a namespace that has a name."""

    @asynccontextmanager
    async def stand(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
        async with inside(folder, supervisor) as there:

            async def present() -> bool:
                return any(name.startswith("flashcrowd_") for name in await there.tables())

            yield Stand({"network": there.network}, fault, present)

    return stand


@asynccontextmanager
async def rate(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    """A stand for a fault on an interface, in the namespace of a process."""
    async with inside(folder, supervisor) as there:

        async def present() -> bool:
            return bool(await there.tables() or await there.queues())

        network = {"ports": [PORT], "interface": "lo"}
        yield Stand({"network": network, "process": {"pidfile": str(there.pidfile)}}, {"rate": "32kbit"}, present)


STANDS: dict[str, Callable[[Path, Supervisor], Any]] = {
    "network.drop": packets({"direction": "in"}),
    "network.loss": packets({"share": "30%"}),
    "network.rate": rate,
}
