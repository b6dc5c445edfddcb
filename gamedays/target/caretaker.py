"""Caretaker: starts a dead process of the embedded storefront again, when it is asked to over HTTP.

It stands for what supervises a platform's processes, a systemd or an orchestrator, except that it does nothing by
itself: a rehearsal wants to see whether the runbook does.

POST /processes/NAME/start     200 with the new ids; 409 when it runs, 404 when there is none of this name. A name with
                               a * is every one that fits, and all of them that are down are started.
GET /processes                 name, pid, whether it is alive, and how often it was started again
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from pathlib import Path

from aiohttp import web

from flashcrowd.errors import NeedError
from flashcrowd.process import Child, Supervisor

STARTING = 20.0
"""Seconds that a process may take to be ready again."""

Check = Callable[[], Awaitable[bool]]


class Caretaker:
    """The processes that it may start, by name. supervisor: whose children they are."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._children: dict[str, tuple[Child, Path, Check | None]] = {}
        self._restarts = Counter[str]()
        self._one_at_a_time = asyncio.Lock()

    def take(self, child: Child, pidfile: Path, check: Check | None) -> None:
        """Take care of a child. check: whether it is ready, None where that can't be asked."""
        self._children[child.name] = (child, pidfile, check)
        write_pid(pidfile, child)

    async def serve(self, host: str, port: int) -> None:
        """Answer requests until the supervisor stops. Raises OSError when the address can't be listened on."""
        app = web.Application()
        app.add_routes([web.post("/processes/{name}/start", self._start), web.get("/processes", self._list)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._supervisor.before_stop(runner.cleanup)
        await web.TCPSite(runner, host, port).start()

    async def _start(self, request: web.Request) -> web.Response:
        async with self._one_at_a_time:
            return await self._start_dead(request.match_info["name"])

    async def _start_dead(self, pattern: str) -> web.Response:
        names = [name for name in self._children if fnmatchcase(name, pattern)]
        if not names:
            return web.json_response({"reason": f"no process {pattern}"}, status=404)
        dead = [name for name in names if not self._children[name][0].alive]
        if not dead:
            return web.json_response({"reason": f"{pattern} runs"}, status=409)
        try:
            pids = await asyncio.gather(*(self._again(name) for name in dead))
        except NeedError as error:
            return web.json_response({"reason": str(error)}, status=500)
        return web.json_response({"started": dict(zip(dead, pids, strict=True))})

    async def _again(self, name: str) -> int:
        old, pidfile, check = self._children[name]
        child = self._supervisor.start_again(old)
        self._restarts[name] += 1
        self.take(child, pidfile, check)
        if check is not None:
            await child.ready(check, STARTING)
        return child.pid

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(
            [
                {"name": name, "pid": child.pid, "alive": child.alive, "restarts": self._restarts[name]}
                for name, (child, *_) in self._children.items()
            ]
        )


def write_pid(pidfile: Path, child: Child) -> None:
    """Write a child's id, so that a reader never sees half of it."""
    fresh = pidfile.with_suffix(".new")
    fresh.write_text(f"{child.pid}\n", encoding="utf-8")
    fresh.replace(pidfile)
