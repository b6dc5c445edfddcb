"""Embedded target: the storefront, a fault proxy and a Prometheus on this machine, on free ports.

    viewers ──ws──► live × 2 ◄──bus──► shop ──► proxy ──► inventory
       └──────────http──────────────────┘

Everything is a real process of its own, so that faults and mitigations are real.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path

import httpx

import monitors.server
from flashcrowd.errors import NeedError
from flashcrowd.process import Supervisor, accepts, free_port
from flashcrowd.target import Target
from loadtests.split import open_files
from monitors import rules, windows
from monitors.prometheus import Prometheus
from monitors.slo import Slo

HOST = "127.0.0.1"
LOAD_JOB = "flashcrowd"
FIRST_SCRAPE = 30.0
"""Seconds that Prometheus may take to its first scrapes; it takes about five, however often it is told to scrape."""
LIVE_PROCESSES = 2
MAX_VIEWERS = 300_000
IDENTITIES = 1_000_000
"""More people than viewers at once: workers have equal shares of them, and whoever comes anew is somebody else."""

LIVE_SPARE = 0.1
"""Share of a live process's open files that are kept free: the kernel shares connections out by chance, not evenly."""

ORDINARY_GOODS = ("mug-01", "scarf-01", "candle-01", "notebook-01", "tea-01")


POLICY = "rehearsal"
"""The window policy of its alerts. Production's own would page too early here: on a few minutes of history a window of
an hour is a window of a few minutes."""


@dataclass(frozen=True)
class Addresses:
    """The ports of one embedded target; all are free when it is made."""

    live_processes: InitVar[int] = LIVE_PROCESSES
    bus_in: int = field(default_factory=free_port)
    bus_out: int = field(default_factory=free_port)
    live: int = field(default_factory=free_port)
    live_metrics: tuple[int, ...] = field(init=False)
    shop: int = field(default_factory=free_port)
    inventory: int = field(default_factory=free_port)
    inventory_link: int = field(default_factory=free_port)
    toxiproxy: int = field(default_factory=free_port)
    load: int = field(default_factory=free_port)

    def __post_init__(self, live_processes: int) -> None:
        object.__setattr__(self, "live_metrics", tuple(free_port() for _ in range(live_processes)))


def live_processes(viewers: int, files: int | None = None) -> int:
    """Live processes that so many viewers need. files: that one may open; as many as we may, if not given."""
    files = open_files() if files is None else files
    return max(LIVE_PROCESSES, math.ceil(viewers / (files * (1 - LIVE_SPARE))))


def describe(addresses: Addresses, prometheus_url: str) -> Target:
    """The target file of an embedded storefront at these addresses."""
    shop = f"http://{HOST}:{addresses.shop}"
    order = {
        "request": {
            "method": "POST",
            "path": "/orders",
            "headers": {"Idempotency-Key": "${key}", "Authorization": "Bearer ${identity.token}"},
            "json": {"sku": "${sku}", "quantity": 1},
        },
        "order_id": "$.order_id",
    }
    return Target.model_validate(
        {
            "apiVersion": "flashcrowd/v1",
            "kind": "Target",
            "metadata": {"name": "embedded"},
            "spec": {
                "environment": "rehearsal",
                "allow_hosts": [HOST],
                "max_viewers": MAX_VIEWERS,
                "mark": {
                    "headers": {"x-pressure-test": "true", "x-scene-id": "${run}", "traceparent": "${traceparent}"}
                },
                "identities": {"generate": IDENTITIES},
                "live": {
                    "url": f"ws://{HOST}:{addresses.live}/rooms/${{room}}",
                    "headers": {"Authorization": "Bearer ${identity.token}"},
                    "on_open": ['{"type":"join"}'],
                    "say": '{"type":"chat","text":"${text}"}',
                    "heartbeat": {"every": "30s", "send": '{"type":"ping"}'},
                    "events": {"sale.opened": {"type": "sale_opened"}, "closed": {"type": "bye"}},
                },
                "shop": {
                    "url": shop,
                    "browse": "/catalogue",
                    "goods": list(ORDINARY_GOODS),
                    "order": order,
                    "ledger": {"get": "/admin/ledger"},
                    "sales": "/admin/sales",
                },
                "prometheus": {"url": prometheus_url, "scrapes_load_at": f"{HOST}:{addresses.load}"},
                "components": {
                    "shop": {"admin": f"{shop}/admin"},
                    "inventory": {
                        "link": {"toxiproxy": f"http://{HOST}:{addresses.toxiproxy}", "proxy": "inventory"},
                        "admin": f"http://{HOST}:{addresses.inventory}",
                    },
                },
            },
        }
    )


def write_rules(directory: Path, slos: Sequence[Slo]) -> Path:
    """Alert rules of the SLOs, for `start`."""
    file = directory / "rules.yaml"
    file.write_text(rules.rule_file(slos, windows.find(POLICY)), encoding="utf-8")
    return file


async def start(supervisor: Supervisor, directory: Path, rule_file: Path, live: int = LIVE_PROCESSES) -> Target:
    """Start everything, the storefront first, and wait until each part answers.

    directory: where databases and Prometheus' blocks go. live: processes of the chat. The supervisor ends what was
    started.

    Raises:
        NeedError: a part didn't start; shows the end of its log.
    """
    addresses = Addresses(live)
    scrape: Mapping[str, Sequence[str]] = {
        "shop": [f"{HOST}:{addresses.shop}"],
        "inventory": [f"{HOST}:{addresses.inventory}"],
        "live": [f"{HOST}:{port}" for port in addresses.live_metrics],
        LOAD_JOB: [f"{HOST}:{addresses.load}"],
    }
    url = await monitors.server.start(supervisor, directory / "prometheus", scrape, [rule_file])
    await _start_storefront(supervisor, directory, addresses)
    async with Prometheus(url) as prometheus:
        await _scraped(prometheus, sum(len(processes) for job, processes in scrape.items() if job != LOAD_JOB))
    return describe(addresses, url)


async def _scraped(prometheus: Prometheus, processes: int) -> None:
    """Until Prometheus has seen every process of the storefront: what happens before that, it couldn't judge."""
    until = time.monotonic() + FIRST_SCRAPE
    while time.monotonic() < until:
        if await prometheus.scalar(f'sum(up{{job!="{LOAD_JOB}"}})') == processes:
            return
        await asyncio.sleep(0.1)
    raise NeedError(f"prometheus did not scrape the storefront within {FIRST_SCRAPE:g} s; is the machine overloaded?")


async def _start_storefront(supervisor: Supervisor, directory: Path, at: Addresses) -> None:
    bus = {"STOREFRONT_BUS_IN": f"tcp://{HOST}:{at.bus_in}", "STOREFRONT_BUS_OUT": f"tcp://{HOST}:{at.bus_out}"}
    supervisor.spawn("bus", _module("storefront.bus"), bus)
    inventory = supervisor.spawn(
        "inventory",
        _module("storefront.inventory"),
        {"INVENTORY_PORT": str(at.inventory), "INVENTORY_DB": str(directory / "inventory.db")},
    )
    proxy = supervisor.spawn(
        "proxy",
        [
            *_module("chaos.proxy"),
            *("--listen", f"{HOST}:{at.toxiproxy}"),
            *("--proxy", f"inventory={HOST}:{at.inventory_link}={HOST}:{at.inventory}"),
        ],
    )
    shop = supervisor.spawn(
        "shop",
        _module("storefront.shop"),
        {
            "SHOP_PORT": str(at.shop),
            "SHOP_JOURNAL": str(directory / "shop.db"),
            "INVENTORY_URL": f"http://{HOST}:{at.inventory_link}",
            **bus,
        },
    )
    live = [
        supervisor.spawn(
            f"live-{number}",
            _module("storefront.live"),
            {"LIVE_PORT": str(at.live), "LIVE_METRICS_PORT": str(port), **bus},
        )
        for number, port in enumerate(at.live_metrics, 1)
    ]
    await inventory.ready(_healthy(at.inventory))
    await proxy.ready(lambda: accepts(HOST, at.toxiproxy))
    await shop.ready(_healthy(at.shop))
    for child, port in zip(live, at.live_metrics, strict=True):
        await child.ready(_healthy(port))


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _healthy(port: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        try:
            async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
                return (await client.get(f"http://{HOST}:{port}/healthz")).is_success
        except httpx.HTTPError:
            return False

    return check
