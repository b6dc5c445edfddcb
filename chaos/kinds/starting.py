"""Starting: how a process that a fault has ended is started again, and that two healers don't start it twice.

The injector and the reverter may heal at the same moment. A supervisor that is asked twice starts once. A command is
run by one of them at a time, and only if nothing that it has started since the fault is there; what it starts is known
by a variable in its environment, so that this holds also when the one who ran it died a moment later.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.clients import plain_http
from chaos.kinds.blast_radius import STARTED
from chaos.linux import proc
from chaos.linux.proc import ProcessId
from flashcrowd.documents import Model
from flashcrowd.errors import NeedError

if TYPE_CHECKING:
    from flashcrowd.components import Start
    from flashcrowd.guard import Guard

POST = 5.0
"""Seconds for the answer of what supervises a process."""

RUNS_ALREADY = 409

ONE_AT_A_TIME = 2.0
"""Seconds after which who holds the lock counts as stopped: it is needed for some milliseconds."""


class Starter(Model):
    """A POST to a checked address, or a command, all filled in, and the folder and log that it has."""

    post: str | None = None
    command: list[str] | None = None
    folder: Path | None = None
    log: Path | None = None

    async def start(self, pidfile: Path, since: int, lock: Path) -> subprocess.Popen[bytes] | None:
        """Start it, unless that has been done since then (clock ticks since boot); the command's process, if it ran.

        pidfile: the process's. lock: a folder, for one at a time.

        Raises:
            OSError: it could not be started, or what supervises it said no.
        """
        if self.post is not None:
            status, reason, *_ = await plain_http.ask("POST", self.post, POST)
            if not 200 <= status < 300 and status != RUNS_ALREADY:
                raise OSError(f"POST {self.post} was answered with {status} {reason}".rstrip())
            return None
        async with _alone(lock):
            return None if _is_started(pidfile, since) else self._run(pidfile)

    async def is_gone(self) -> bool:
        """Whether what would start it is gone altogether."""
        if self.post is None:
            return False
        try:
            await plain_http.ask("HEAD", self.post, POST)
        except plain_http.RefusedError:
            return True
        except OSError:
            return False
        return False

    def by_hand(self) -> str:
        """The shell command that starts it."""
        if self.post is not None:
            return f"curl -sS -X POST {shlex.quote(self.post)}"
        assert self.command is not None
        log = shlex.quote(str(self.log or os.devnull))
        folder = shlex.quote(str(self.folder or "."))
        return f"(cd {folder} && setsid {shlex.join(self.command)} </dev/null >>{log} 2>&1 &)"

    def _run(self, pidfile: Path) -> subprocess.Popen[bytes]:
        """Run the command in a session of its own, so that it outlives whoever heals."""
        assert self.command is not None
        with (self.log or Path(os.devnull)).open("ab") as output:
            return subprocess.Popen(
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, STARTED: str(pidfile)},
                start_new_session=True,
            )


async def starter(start: Start, name: str, place: str, guard: Guard) -> Starter:
    """How the process of that name is started again.

    Raises:
        GuardError: the address may not be touched. NeedError: nobody answers there, or there is no such program.
    """
    from flashcrowd.template import fill

    if (url := start.url(name)) is not None:
        return Starter(post=await _listening(url, f"{place}.post", guard))
    assert start.command is not None
    command, folder, log = ([fill(str(word), {"name": name}) for word in words] for words in _words(start))
    program = command[0] if "/" not in command[0] else str(Path(folder[0]) / command[0])
    if shutil.which(program) is None:
        raise NeedError(f"{place}.command: there is no program {program}, and what can't be started again isn't ended")
    return Starter(command=command, folder=Path(folder[0]), log=Path(log[0]) if log else None)


def _words(start: Start) -> tuple[list[str], list[str], list[str]]:
    return start.command or [], [str(start.folder)], [str(start.log)] if start.log is not None else []


async def _listening(url: str, place: str, guard: Guard) -> str:
    """The URL with an address that was checked and at which somebody answers now."""
    from flashcrowd.dial import connected, pinned, place_of, reason

    try:
        await connected(guard, *place_of(url), place)
    except OSError as error:
        raise NeedError(
            f"{place}: {url}: {reason(error)}; start what supervises it: what can't be started again isn't ended"
        ) from None
    return await pinned(guard, url, place)


def _is_started(pidfile: Path, since: int) -> bool:
    """Whether something is there that was started in the process's place since then."""
    mark = f"{STARTED}={pidfile}".encode()
    return any(
        ProcessId.of(pid).alive and ProcessId.of(pid).started >= since and mark in proc.environment(pid)
        for pid in proc.all_pids()
        if pid != os.getpid()
    )


@contextlib.asynccontextmanager
async def _alone(folder: Path) -> AsyncIterator[None]:
    """One process at a time; a lock on the folder leaves nothing behind, and ends with its holder."""
    handle = os.open(folder, os.O_RDONLY)
    until = time.monotonic() + ONE_AT_A_TIME
    try:
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            await asyncio.sleep(0.01)
        yield
    finally:
        os.close(handle)
