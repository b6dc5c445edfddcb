"""A running server with a real platform to act upon; alerts as Alertmanager sends them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from flashcrowd.guard import Guard
from flashcrowd.target import Target
from runbooks.server.access import Listen
from runbooks.server.desk import Desk
from runbooks.server.gauges import Gauges
from runbooks.server.incident import Incident
from runbooks.server.journal import Journal
from runbooks.server.shelf import Shelf
from runbooks.server.site import Site
from runbooks.server.webhook import Webhook

AUTOMATIC = {"front": "owner: shop\nseverity: page\nalerts: [Slow]\nautomatic: true"}


def alert(name: str = "Slow", status: str = "firing", starts: int = 0, **labels: str) -> dict[str, Any]:
    """One alert of a message. starts: its minute."""
    return {
        "status": status,
        "labels": {"alertname": name, **labels},
        "annotations": {},
        "startsAt": f"2026-11-26T04:{starts:02}:00.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": "f00d",
    }


def message(*alerts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A message of Alertmanager's webhook, as its documentation has it."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="Slow"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "flashcrowd",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts),
        **changes,
    }


@dataclass
class House:
    """A server at work."""

    url: str
    desk: Desk
    folder: Path
    client: httpx.AsyncClient

    async def send(self, *alerts: dict[str, Any], **changes: Any) -> httpx.Response:
        return await self.client.post("/alertmanager", json=message(*alerts, **changes))

    def journal(self) -> list[dict[str, Any]]:
        file = self.folder / "server.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in self.journal()]

    @property
    def incident(self) -> Incident:
        """The only one."""
        (one,) = self.desk.incidents.values()
        return one


def target(url: str, automatic: Any = True) -> Target:
    return Target.model_validate(
        {
            "metadata": {"name": "small"},
            "spec": {
                "environment": "test",
                "allow_hosts": ["127.0.0.1"],
                "max_viewers": 1,
                "components": {"shop": {"admin": url}, "till": {"admin": url}},
                "mitigations": {"automatic": automatic},
            },
        }
    )


@pytest.fixture
def shelf(tmp_path: Path, page: Callable[..., str]) -> Callable[..., Path]:
    """Put a runbook on the shelf: `name`, and what differs from the small page."""
    folder = tmp_path / "runbooks"
    folder.mkdir()

    def put(name: str = "slow", changes: dict[str, str | None] | None = None) -> Path:
        file = folder / f"{name}.md"
        file.write_text(page({**AUTOMATIC, **(changes or {})}))
        return file

    return put


@pytest.fixture
def house(tmp_path: Path, server: Any, prometheus: Any) -> Callable[..., Any]:
    """Start a server: `async with house(mitigate=True) as running`. As often as one likes, in the same folder."""
    base = tmp_path / "incidents"

    @asynccontextmanager
    async def start(
        token: str | None = None,
        mitigate: bool = False,
        automatic: Any = True,
        tell: Callable[[Incident], None] = lambda incident: None,
        where: Listen | None = None,
        **site: Any,
    ) -> AsyncIterator[House]:
        base.mkdir(exist_ok=True)
        async with AsyncExitStack() as stack:
            gauges = Gauges()
            journal = Journal(base, gauges.alert)
            about = Site(
                **{
                    "query": prometheus,
                    "guard": Guard(["127.0.0.1"]),
                    "target": target(server.url, automatic),
                    "mitigate": mitigate,
                    "poll": 0.01,
                    **site,
                }
            )
            desk = Desk(base, about, Shelf(tmp_path / "runbooks"), journal, tell, gauges.mitigation, gauges.steps.event)
            stack.push_async_callback(desk.stop)
            desk.resume()
            url = await stack.enter_async_context(
                Webhook(where or Listen("127.0.0.1", 0, token), desk, journal, gauges).serve()
            )
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, trust_env=False, timeout=20))
            yield House(url, desk, base, client)

    return start


@pytest.fixture
def until() -> Callable[..., Any]:
    async def wait(condition: Callable[[], object], timeout: float = 20) -> None:
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, "it did not come"
            await asyncio.sleep(0.01)

    return wait


@pytest.fixture(name="alert")
def _alert() -> Callable[..., dict[str, Any]]:
    return alert


@pytest.fixture(name="message")
def _message() -> Callable[..., dict[str, Any]]:
    return message
