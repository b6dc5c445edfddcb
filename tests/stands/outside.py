"""Outside: what a component hangs on and is not ours: a Redis server, a Kubernetes API, a service of others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kubernetes_api import TOKEN, fake_cluster

from flashcrowd.process import Supervisor, accepts, free_port
from stands import Stand

HOST = "127.0.0.1"


async def redis_server(folder: Path, supervisor: Supervisor, *options: str) -> int:
    """The port of a Redis server that keeps nothing on disk."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", HOST, "--dir", str(folder), "--save", "", *options]
    server = supervisor.spawn(f"redis-{port}", command)
    await server.ready(lambda: accepts(HOST, port))
    return port


async def answers(port: int, command: bytes, timeout: float) -> bytes | None:
    """The first line that a Redis server says to an inline command; None when it says nothing within the timeout."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        async with asyncio.timeout(timeout):
            writer.write(command + b"\r\n")
            return await reader.readline()
    except TimeoutError:
        return None
    finally:
        writer.close()


@asynccontextmanager
async def paused_redis(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    """A Redis server whose clients wait."""
    port = await redis_server(folder, supervisor)

    async def present() -> bool:
        return await answers(port, b"SET key value", 0.3) is None

    yield Stand({"redis": {"url": f"redis://{HOST}:{port}/0"}}, {}, present)


@asynccontextmanager
async def full_redis(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    """A Redis server that takes no more, by commands as people write them."""
    port = await redis_server(folder, supervisor)
    tell = ["redis-cli", "-p", str(port)]

    async def present() -> bool:
        return (await answers(port, b"SET key value", 1.0) or b"").startswith(b"-OOM")

    fault = {
        "inject": [*tell, "config", "set", "maxmemory", "1"],
        "probe": {"run": [*tell, "set", "key", "value"], "status": "any", "matches": "OOM"},
        "heal": [*tell, "config", "set", "maxmemory", "0"],
    }
    yield Stand({}, fault, present)


@asynccontextmanager
async def struck_pods(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    """A fake Kubernetes with Chaos Mesh, as there is no cluster here; its token is in the environment."""
    os.environ["FAKE_CLUSTER_TOKEN"] = TOKEN
    async with fake_cluster() as cluster:

        async def present() -> bool:
            return cluster.injected

        address = {
            "api": cluster.url,
            "namespace": "shop",
            "labels": {"app": "inventory"},
            "token_env": "FAKE_CLUSTER_TOKEN",
        }
        fault = {"resource": "NetworkChaos", "spec": {"action": "delay", "delay": {"latency": "200ms"}}}
        try:
            yield Stand({"kubernetes": address}, fault, present)
        finally:
            del os.environ["FAKE_CLUSTER_TOKEN"]


STANDS: dict[str, Callable[[Path, Supervisor], Any]] = {
    "command": full_redis,
    "kubernetes.chaosmesh": struck_pods,
    "redis.pause": paused_redis,
}
