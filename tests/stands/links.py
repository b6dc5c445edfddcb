"""Links: an HTTP service behind the fault proxy, for the faults of the network and of HTTP."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from flashcrowd.process import Supervisor, accepts, free_port
from stands import Stand

HOST = "127.0.0.1"

SERVICE = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"x" * 4096
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
"""An HTTP service with keep-alive that answers every GET with 4 KiB."""


@asynccontextmanager
async def link(supervisor: Supervisor) -> AsyncIterator[tuple[dict[str, Any], httpx.AsyncClient]]:
    """A component whose `link` is the proxy in front of a service, and a client of the proxy's API."""
    upstream, api, near = free_port(), free_port(), free_port()
    service = supervisor.spawn(f"service-{upstream}", [sys.executable, "-c", SERVICE, str(upstream)])
    words = ["--listen", f"{HOST}:{api}", "--proxy", f"inventory={HOST}:{near}={HOST}:{upstream}"]
    proxy = supervisor.spawn(f"proxy-{api}", [sys.executable, "-m", "chaos.proxy", *words])
    await service.ready(lambda: accepts(HOST, upstream))
    await proxy.ready(lambda: accepts(HOST, api))
    url = f"http://{HOST}:{api}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield {"link": {"toxiproxy": url, "proxy": "inventory"}}, client


def with_toxic(fault: dict[str, Any]) -> Callable[[Path, Supervisor], Any]:
    """A stand for a fault that is a toxic of the proxy."""

    @asynccontextmanager
    async def stand(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
        async with link(supervisor) as (component, client):

            async def present() -> bool:
                return bool((await client.get("/proxies/inventory/toxics")).json())

            yield Stand(component, fault, present)

    return stand


@asynccontextmanager
async def down(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    """A stand whose proxy is disabled."""
    async with link(supervisor) as (component, client):

        async def present() -> bool:
            return not (await client.get("/proxies/inventory")).json()["enabled"]

        yield Stand(component, {}, present)


STANDS: dict[str, Callable[[Path, Supervisor], Any]] = {
    "http.delay": with_toxic({"delay": "100ms", "path": "/*"}),
    "http.error": with_toxic({"status": 503, "share": "60 %"}),
    "network.bandwidth": with_toxic({"rate": "400kbit"}),
    "network.down": down,
    "network.latency": with_toxic({"delay": "100ms"}),
    "network.reset": with_toxic({}),
    "network.slicer": with_toxic({"size": 500, "delay": "2ms"}),
    "network.slow_close": with_toxic({"delay": "100ms"}),
    "network.timeout": with_toxic({}),
    "toxiproxy": with_toxic({"type": "limit_data", "attributes": {"bytes": 1000}}),
}
