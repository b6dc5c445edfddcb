"""Names: the resolver as a process, with a zone of its own."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode

from flashcrowd.process import Supervisor, accepts, free_port
from stands import Stand

HOST, NAME, ADDRESS = "127.0.0.1", "inventory.internal", "127.0.0.7"


async def rcode(port: int, name: str = NAME) -> int | None:
    """How the resolver answers a query; None when it doesn't."""
    try:
        return (await dns.asyncquery.udp(dns.message.make_query(name, "A"), HOST, 0.5, port)).rcode()
    except dns.exception.Timeout:
        return None


@asynccontextmanager
async def resolver(supervisor: Supervisor) -> AsyncIterator[tuple[str, int]]:
    """A resolver that knows NAME; the URL of its API, and the port at which it is asked."""
    port, at = free_port(), free_port()
    words = ["--listen", f"{HOST}:{port}", "--api", f"{HOST}:{at}", "--zone", f"{NAME}={ADDRESS}"]
    child = supervisor.spawn(f"resolver-{port}", [sys.executable, "-m", "chaos.resolver", *words])
    await child.ready(lambda: accepts(HOST, at))
    yield f"http://{HOST}:{at}", port


@asynccontextmanager
async def stand(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    """A component that asks the resolver."""
    async with resolver(supervisor) as (api, port):

        async def present() -> bool:
            return await rcode(port) != dns.rcode.NOERROR

        yield Stand({"resolver": api}, {"names": [NAME], "mode": "nxdomain"}, present)


STANDS: dict[str, Callable[[Path, Supervisor], Any]] = {"dns.fail": stand}
