"""Embedded target: the storefront, a fault proxy, a Prometheus and an Alertmanager on this machine, on free ports.

    viewers ──ws──► live × 2 ◄──bus──► shop ──► proxy ──► inventory
       ├──────────http──────────────────┤
       ├──http──► stream ──► proxy ─────┘
       │             └─────► origin, backup origin
       └──http──► events

Everything is a real process of its own, so that faults and mitigations are real; a caretaker starts dead ones again.
Where no Alertmanager is installed there is none, and pages are read from Prometheus.
"""

from __future__ import annotations

import asyncio
import math
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import httpx

import monitors.alertmanager_server
import monitors.server
from flashcrowd.errors import InputError, NeedError
from flashcrowd.process import Child, Supervisor, accepts
from flashcrowd.rundir import write_atomically
from flashcrowd.target import Target
from gamedays.target.addresses import HOST, LIVE_PROCESSES, LOAD_JOB, OUR_JOBS, Addresses, http
from gamedays.target.description import describe
from loadtests.split import open_files
from monitors import rules, windows
from monitors.prometheus import Prometheus
from monitors.slo import Slo

FIRST_SCRAPE = 30.0
"""Seconds that Prometheus may take to its first scrapes; it takes about five, however often it is told to scrape."""

STARTING = 60.0
"""Seconds that each part may take to its start: a dozen of them on a busy machine. One that dies is noticed at once."""

LIVE_SPARE = 0.1
"""Share of a live process's open files that are kept free: the kernel shares connections out by chance, not evenly."""

LIVE_MORE, LIVE_DEVIATIONS = 0.15, 5.0
"""How many more viewers than its even share a live process has room for, when it is known how many will come: a part of
the share, or so many standard deviations of the binomial law by which the kernel shares connections out, if that is
more. A platform has its capacity: viewers whom one of two processes drops don't all find a place at the other."""

POLICY = "rehearsal"
"""The window policy of its alerts. Production's own would page too early here: on a few minutes of history a window of
an hour is a window of a few minutes."""

BUGS = ("oversell", "lost-order", "duplicate-on-retry", "limit-ignored", "forbidden-phrase", "winner-twice")
"""What can be planted in the storefront: each breaks one invariant."""


def live_processes(viewers: int, files: int | None = None) -> int:
    """Live processes that so many viewers need. files: that one may open; as many as we may, if not given."""
    files = open_files() if files is None else files
    return max(LIVE_PROCESSES, math.ceil(viewers / (files * (1 - LIVE_SPARE))))


def live_room(viewers: int, live: int) -> int:
    """Viewers that each of so many live processes has room for."""
    share = viewers / live
    deviation = math.sqrt(share * (1 - 1 / live))
    return math.ceil(share + max(LIVE_MORE * share, LIVE_DEVIATIONS * deviation))


def write_rules(directory: Path, slos: Sequence[Slo]) -> Path:
    """Alert rules of the SLOs, for `start`."""
    file = directory / "rules.yaml"
    write_atomically(file, rules.rule_file(slos, windows.find(POLICY)))
    return file


async def start(
    supervisor: Supervisor,
    directory: Path,
    rule_file: Path,
    live: int = LIVE_PROCESSES,
    bug: str | None = None,
    room: int = 0,
) -> Target:
    """Start everything, the storefront first, and wait until each part answers.

    directory: where databases, pidfiles and Prometheus' blocks go. live: processes of the chat. room: viewers
    that each of them takes; as many as it can, if 0. bug: one of `BUGS`, to be planted. The supervisor ends what was
    started.

    Raises:
        InputError: there is no such bug.
        NeedError: a part didn't start; shows the end of its log.
    """
    if bug is not None and bug not in BUGS:
        raise InputError(f"no bug '{bug}' to plant; there are {', '.join(BUGS)}")
    addresses = Addresses(live, _pids(directory))
    scrape = addresses.scrape()
    alertmanager = await _start_alertmanager(supervisor, directory)
    url = await monitors.server.start(
        supervisor, directory / "prometheus", scrape, [rule_file], alertmanager=alertmanager
    )
    await _start_storefront(supervisor, directory, addresses, bug, room)
    async with Prometheus(url) as prometheus:
        processes = sum(len(processes) for job, processes in scrape.items() if job not in OUR_JOBS)
        await _watched(prometheus, processes, alertmanager is not None)
    return describe(addresses, url, alertmanager)


async def _start_alertmanager(supervisor: Supervisor, directory: Path) -> str | None:
    """Its URL; None where none is installed."""
    program = monitors.alertmanager_server.locate()
    if program is None:
        return None
    return await monitors.alertmanager_server.start(supervisor, directory / "alertmanager", program)


async def _watched(prometheus: Prometheus, processes: int, alertmanager: bool) -> None:
    """Until Prometheus has seen every process of the storefront, and would send alerts to its Alertmanager: what
    happens before that, it couldn't judge, and would tell nobody."""
    until = time.monotonic() + FIRST_SCRAPE
    while time.monotonic() < until:
        seen = await prometheus.scalar(f'sum(up{{job!~"{"|".join(OUR_JOBS)}"}})') == processes
        if seen and (not alertmanager or await prometheus.alertmanagers()):
            return
        await asyncio.sleep(0.1)
    raise NeedError(f"prometheus did not scrape the storefront within {FIRST_SCRAPE:g} s; is the machine overloaded?")


async def _start_storefront(supervisor: Supervisor, directory: Path, at: Addresses, bug: str | None, room: int) -> None:
    """All at once, as each takes a while to get ready."""
    from gamedays.target.caretaker import Caretaker  # aiohttp takes 0.3 s, which plan, judge and report can do without

    caretaker, started = Caretaker(supervisor), list[tuple[Child, int]]()
    for name, module, env, port in _services(directory, at, room):
        child = supervisor.spawn(name, [*_module(f"storefront.{module}"), *(("--bug", bug) if bug else ())], env)
        caretaker.take(child, at.pidfile(name), _healthy(port) if port else None)
        started.append((child, port))
    proxy = supervisor.spawn(
        "proxy",
        [
            *_module("chaos.proxy"),
            *("--listen", f"{HOST}:{at.toxiproxy}"),
            *("--proxy", f"inventory={HOST}:{at.inventory_link}={HOST}:{at.inventory}"),
            *("--proxy", f"shop={HOST}:{at.shop_link}={HOST}:{at.shop}"),
        ],
    )
    await proxy.ready(lambda: accepts(HOST, at.toxiproxy), STARTING)
    for child, port in started:
        if port:
            await child.ready(_healthy(port), STARTING)
    await caretaker.serve(HOST, at.caretaker)


def _pids(directory: Path) -> Path:
    pids = directory.absolute() / "pids"
    pids.mkdir()
    return pids


def _services(directory: Path, at: Addresses, room: int) -> list[tuple[str, str, dict[str, str], int]]:
    """Name, module and environment of each process of the storefront, and the port where it tells its health."""
    bus = {"STOREFRONT_BUS_IN": f"tcp://{HOST}:{at.bus_in}", "STOREFRONT_BUS_OUT": f"tcp://{HOST}:{at.bus_out}"}
    inventory = {"INVENTORY_PORT": str(at.inventory), "INVENTORY_DB": str(directory / "inventory.db")}
    shop = {"SHOP_JOURNAL": str(directory / "shop.db"), "INVENTORY_URL": http(at.inventory_link), **bus}
    origins = {"STREAM_MAIN_URL": http(at.origin), "STREAM_BACKUP_URL": http(at.backup_origin)}
    stream = {"STREAM_PORT": str(at.stream), "STREAM_SHOP_URL": http(at.shop_link), **origins}
    live = {"LIVE_PORT": str(at.live), "LIVE_ADMIN_PORT": str(at.live_admin), "LIVE_MOST": str(room), **bus}
    return [
        ("bus", "bus", bus, 0),
        ("inventory", "inventory", inventory, at.inventory),
        ("shop", "shop", {"SHOP_PORT": str(at.shop), **shop}, at.shop),
        *(
            (f"live-{number}", "live", {"LIVE_METRICS_PORT": str(port), **live}, port)
            for number, port in enumerate(at.live_metrics, 1)
        ),
        ("origin", "origin", {"ORIGIN_PORT": str(at.origin)}, at.origin),
        ("backup-origin", "origin", {"ORIGIN_PORT": str(at.backup_origin)}, at.backup_origin),
        ("stream", "stream", stream, at.stream),
        ("events", "events", {"EVENTS_PORT": str(at.events)}, at.events),
    ]


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _healthy(port: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        try:
            # A service is asked until it answers, and loading certificates would take 50 ms each time.
            async with httpx.AsyncClient(timeout=2, trust_env=False, verify=False) as client:
                return (await client.get(f"{http(port)}/healthz")).is_success
        except httpx.HTTPError:
            return False

    return check


__all__ = ["BUGS", "LIVE_PROCESSES", "LOAD_JOB", "Addresses", "describe", "live_processes", "start", "write_rules"]
