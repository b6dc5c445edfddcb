"""A fake of the part of a Kubernetes API server that Chaos Mesh is reached by, as there is no cluster here.

It checks paths, verbs, the token and the shape of what is posted, and plays Chaos Mesh: it injects in the pods whose
labels are selected, ends by `spec.duration`, and keeps a deleted resource until its finalizer is done. What it doesn't
know it answers with 404, as the real one does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

GROUP = "/apis/chaos-mesh.org/v1alpha1"
KINDS = {"NetworkChaos": "networkchaos", "PodChaos": "podchaos"}
TOKEN = "a-bearer-token"


class FakeCluster:
    """Its pods by name, with their labels; the resources that are there; and all requests."""

    def __init__(self) -> None:
        self.pods = {"inventory-1": {"app": "inventory"}, "orders-1": {"app": "orders"}}
        self.resources: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.posted: list[dict[str, Any]] = []
        self.refuses: tuple[int, str] | None = None
        self.recovery = 0.05
        self.installed = True
        self.url = ""

    @property
    def injected(self) -> bool:
        """Whether a pod has a fault now."""
        return any(row["status"]["experiment"]["containerRecords"] for row in self.resources.values())

    def answer(self, verb: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        self.requests.append((verb, path))
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"kind": "Status", "message": "Unauthorized"}
        if self.refuses is not None and verb == "POST":
            return self.refuses[0], {"kind": "Status", "message": self.refuses[1]}
        if (verb, path) == ("GET", GROUP) and self.installed:
            rows = [{"kind": kind, "name": name, "namespaced": True} for kind, name in KINDS.items()]
            return 200, {"kind": "APIResourceList", "resources": rows}
        collection, _, name = path.rpartition("/")
        if verb == "POST" and name in KINDS.values() and collection == f"{GROUP}/namespaces/shop":
            return self._create(name, headers, body)
        if verb not in ("GET", "DELETE") or path not in self.resources:
            return 404, {"kind": "Status", "message": f"{name} not found"}
        if verb == "DELETE":
            asyncio.get_running_loop().call_later(self.recovery, self.resources.pop, path, None)
        return 200, self.resources[path]

    def _create(self, plural: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        assert headers["content-type"] == "application/json"
        resource = json.loads(body)
        assert KINDS[resource["kind"]] == plural
        assert resource["metadata"]["namespace"] == "shop"
        self.posted.append(resource)
        path = f"{GROUP}/namespaces/shop/{plural}/{resource['metadata']['name']}"
        if path in self.resources:
            return 409, {"kind": "Status", "message": "already exists"}
        wanted = resource["spec"]["selector"]["labelSelectors"].items()
        struck = [name for name, labels in self.pods.items() if wanted <= labels.items()]
        records = [{"id": f"shop/{name}", "selectorKey": ".", "phase": "Injected"} for name in struck]
        conditions = [{"type": "AllInjected", "status": "True"}, {"type": "Selected", "status": str(bool(records))}]
        resource["status"] = {"conditions": conditions, "experiment": {"containerRecords": records}}
        self.resources[path] = resource
        lasts = float(resource["spec"]["duration"].removesuffix("s"))
        asyncio.get_running_loop().call_later(lasts, records.clear)
        return 201, resource

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            verb, path, _ = head[0].split(" ")
            status, data = self.answer(verb, path, headers, body)
            text = json.dumps(data).encode()
            writer.write(f"HTTP/1.1 {status} Said\r\ncontent-length: {len(text)}\r\n\r\n".encode() + text)
        writer.close()


@asynccontextmanager
async def fake_cluster() -> AsyncIterator[FakeCluster]:
    """One that serves on loopback."""
    cluster = FakeCluster()
    async with await asyncio.start_server(cluster.serve, "127.0.0.1", 0) as server:
        cluster.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield cluster
