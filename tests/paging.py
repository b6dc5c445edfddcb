"""A real Prometheus that sends its alerts to a real Alertmanager, and things that can be broken on purpose."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from flashcrowd.process import Child, Supervisor, free_port
from monitors import alertmanager_server, server
from monitors.prometheus import Prometheus

RULES = """
groups:
  - name: things
    rules:
      - alert: ThingBroken
        expr: broken == 1
        labels: {severity: page, sloth_severity: page, sloth_slo: "{{ $labels.thing }}"}
        annotations: {runbook: mend-it}
"""


@dataclass
class Paging:
    """Both at work. broken: its `labels(THING).set(1)` breaks something, and Prometheus alerts within two seconds."""

    prometheus: str
    alertmanager: str
    broken: Gauge
    supervisor: Supervisor

    @property
    def child(self) -> Child:
        """The process of the Alertmanager."""
        return next(child for child in self.supervisor.children if child.name == "alertmanager")

    @asynccontextmanager
    async def breach(self, thing: str) -> AsyncIterator[float]:
        """Broken while the block lasts; the unix time at which it broke."""
        self.broken.labels(thing).set(1)
        try:
            yield time.time()
        finally:
            self.broken.labels(thing).set(0)

    @asynccontextmanager
    async def silence(self, thing: str, by: str, comment: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Nobody is called for this thing until what is given back is called, or the block ends."""
        until = datetime.fromtimestamp(time.time() + 600, UTC).isoformat()
        matcher = {"name": "thing", "value": thing, "isRegex": False, "isEqual": True}
        body = {
            "matchers": [matcher],
            "startsAt": datetime.fromtimestamp(time.time(), UTC).isoformat(),
            "endsAt": until,
            "createdBy": by,
            "comment": comment,
        }
        async with httpx.AsyncClient(base_url=self.alertmanager, trust_env=False) as client:
            answer = await client.post("/api/v2/silences", json=body)
            answer.raise_for_status()

            async def end() -> None:
                with suppress(httpx.ConnectError):  # it may be gone itself
                    await client.delete(f"/api/v2/silence/{answer.json()['silenceID']}")

            yield end
            await end()


@asynccontextmanager
async def paging(folder: Path) -> AsyncIterator[Paging]:
    """Both, up until the end of the block; the test is skipped where one isn't installed."""
    program = alertmanager_server.locate()
    if program is None or shutil.which("prometheus") is None:
        pytest.skip("no Prometheus or no Alertmanager here")
    registry, port = CollectorRegistry(), free_port()
    broken = Gauge("broken", "whether a thing is broken", ["thing"], registry=registry)
    http, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    (folder / "rules.yml").write_text(RULES)
    async with Supervisor(folder) as supervisor:
        alertmanager = await alertmanager_server.start(supervisor, folder / "alertmanager", program)
        scrape = {"things": [f"127.0.0.1:{port}"]}
        prometheus = await server.start(
            supervisor, folder / "prometheus", scrape, [folder / "rules.yml"], interval=0.2, alertmanager=alertmanager
        )
        async with Prometheus(prometheus) as client, asyncio.timeout(60):
            while await client.scalar("sum(up)") != 1 or not await client.alertmanagers():
                await asyncio.sleep(0.1)
        yield Paging(prometheus, alertmanager, broken, supervisor)
    http.shutdown()
    thread.join()
    http.server_close()
