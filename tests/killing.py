"""Killing: an injector process ended at a chosen instant in a chosen way, and what is left of its fault afterwards.

Shared by the tests (a few) and by benchmarks/bench_kills.py (hundreds).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from stands import Factory, Stand

from chaos.recovery import recover
from chaos.undolog import UndoLog
from flashcrowd.process import Supervisor

INJECTOR = """
import asyncio, json, sys
from chaos.faults import parse_fault
from chaos.injector import Injector
from chaos.undolog import UndoLog
from flashcrowd import interrupt
from flashcrowd.guard import Guard
from flashcrowd.target import Component

async def main(component, fault):
    components = {"it": Component.model_validate_json(component)}
    async with Injector(components, Guard(["127.0.0.1"]), UndoLog.default(), lambda *event: None) as injector:
        print("begin", flush=True)
        while True:
            active = await injector.inject(parse_fault(json.loads(fault)))
            print("injected", flush=True)
            await asyncio.sleep(min(0.3, active.left))
            await active.heal()

interrupt.run(main(*sys.argv[1:]))
"""
"""Injects, holds for a moment, heals, and again, until it is ended."""

WAYS = ("KILL", "TERM", "HUP", "INT INT", "STOP", "reverter KILL", "both KILL")
"""STOP stops the injector for good; `reverter` kills its reverter, and it when that has a successor; `both` kills it
together with its reverter, so that only a next start can heal."""

LASTS = 3.0
"""The faults' `for`, in seconds."""

PATIENCE = 30.0

TOKEN = r"flashcrowd-[0-9a-f]{12}"
"""What the command line of a process says that holds a fault."""


@dataclass(frozen=True)
class Shot:
    """What came of one end. in_place: whether the fault was seen at that instant. healed_after: seconds until it wasn't
    any more, 0 if it hadn't been; None where that took more than PATIENCE. left: what should not be there in the end.
    """

    kind: str
    way: str
    in_place: bool
    healed_after: float | None
    left: tuple[str, ...]

    @property
    def limit(self) -> float:
        """Seconds that it may take: the fault's time and two more."""
        return LASTS + 2.0


class Range:
    """One kind's stand, on which injectors are ended one after the other."""

    def __init__(self, kind: str, stand: Stand, folder: Path) -> None:
        self.kind, self._stand, self._folder = kind, stand, folder
        self._log = UndoLog(folder / "undo")

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, kind: str, factory: Factory, folder: Path) -> AsyncIterator[Range]:
        """A range in a folder of its own, which is there."""
        async with Supervisor(folder) as supervisor, factory(folder, supervisor) as stand:
            yield cls(kind, stand, folder)

    async def shoot(self, way: str, after: float) -> Shot:
        """Start an injector and end it so many seconds after it has begun."""
        injector = await self._start()
        try:
            await asyncio.sleep(after)
            in_place = await self._end(injector, way)
            healed_after = await self._healed(injector, way)
        finally:
            await _bury(injector)
        await self._closed(way)
        left = [f"process {one.pid}" for one in self._of_ours(TOKEN)] + [str(record) for record in self._log.all()]
        if await self._stand.present():
            left.append("the fault")
        return Shot(self.kind, way, in_place, healed_after, tuple(left))

    async def _start(self) -> asyncio.subprocess.Process:
        fault = {"kind": self.kind, "on": "it", "for": f"{LASTS:g}s", **self._stand.fault}
        with (self._folder / "injectors.log").open("ab") as log:
            injector = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", INJECTOR, json.dumps(self._stand.component), json.dumps(fault)),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={**os.environ, "FLASHCROWD_STATE": str(self._folder)},
            )
        assert injector.stdout is not None
        line = await asyncio.wait_for(injector.stdout.readline(), PATIENCE)
        assert line == b"begin\n", (self._folder / "injectors.log").read_text()[-2000:]
        return injector

    async def _end(self, injector: asyncio.subprocess.Process, way: str) -> bool:
        """End it; whether its fault was in place then."""
        if way in ("reverter KILL", "both KILL"):
            if way == "both KILL":
                injector.send_signal(signal.SIGSTOP)  # else it gives its fault a new reverter
            for reverter in self._reverters():
                reverter.kill()
            if way == "reverter KILL":
                await self._succeeded()
        in_place = await self._stand.present()
        number = {"TERM": signal.SIGTERM, "HUP": signal.SIGHUP, "INT INT": signal.SIGINT, "STOP": signal.SIGSTOP}
        for _ in way.split() if way == "INT INT" else (way,):
            with contextlib.suppress(ProcessLookupError):
                injector.send_signal(number.get(way, signal.SIGKILL))
        return in_place

    async def _succeeded(self) -> None:
        """Until the injector has given its fault a new reverter: killed before that, only a next start can heal."""
        until = time.monotonic() + PATIENCE
        while not self._reverters() and time.monotonic() < until:
            await asyncio.sleep(0.005)

    async def _healed(self, injector: asyncio.subprocess.Process, way: str) -> float | None:
        """Seconds until the fault is not seen any more; what needs a next start gets it."""
        start = time.monotonic()
        if way == "both KILL":
            await injector.wait()
            await recover(self._log)
        while await self._stand.present():
            if time.monotonic() - start > PATIENCE:
                return None
            await asyncio.sleep(0.002)
        return time.monotonic() - start

    async def _closed(self, way: str) -> None:
        """Until reverters have ended and records are closed, or the patience has."""
        until = time.monotonic() + PATIENCE
        while (self._reverters() or self._log.all()) and time.monotonic() < until:
            if way == "both KILL":
                await recover(self._log)
            await asyncio.sleep(0.02)

    def _reverters(self) -> list[psutil.Process]:
        return self._of_ours(r"chaos\.reverter")

    def _of_ours(self, pattern: str) -> list[psutil.Process]:
        """The processes of this range's injectors, which have its state folder in their environment."""
        found = []
        for process in _processes(pattern):
            with contextlib.suppress(psutil.Error):
                if process.environ().get("FLASHCROWD_STATE") == str(self._folder):
                    found.append(process)
        return found


async def _bury(injector: asyncio.subprocess.Process) -> None:
    """A stopped one is killed once its fault is healed; one that was asked to end has the time for it."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(injector.wait(), 0.01 if _is_stopped(injector.pid) else PATIENCE)
        return
    injector.kill()
    await injector.wait()


def _is_stopped(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False


def _processes(pattern: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or ())
        if process.info["status"] != psutil.STATUS_ZOMBIE and re.search(pattern, words) and "pytest" not in words:
            found.append(process)
    return found


def traces() -> set[str]:
    """All that a fault may have left on this machine: holders, stopped processes, groups, tables, namespaces."""
    holders = {f"process {one.pid}: {' '.join(one.info['cmdline'])}" for one in _processes(TOKEN)}
    stopped = {
        f"stopped process {one.pid}" for one in psutil.process_iter(["status"]) if one.info["status"] == "stopped"
    }
    groups = {str(path) for path in Path("/sys/fs/cgroup").rglob("flashcrowd-*")}
    namespaces = {str(path) for path in Path("/run/netns").glob("*")}
    return holders | stopped | groups | namespaces
