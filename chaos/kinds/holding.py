"""Holding: faults that a holder process is, from its start to the look that nothing of it is left.

The kernel ties a holder to the thread that started it (`flashcrowd.lifeline`): an injector's event loop, which lives as
long as its faults do.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path

from chaos.fault import Injection, Probe
from chaos.kinds.processes import ProcessId, command_line
from flashcrowd.errors import NeedError
from flashcrowd.process import Child, spawn

GRACE = 1.0
"""Seconds that a holder goes on after the fault's time, in which its injector ends it."""

START = 5.0
"""Seconds that the injector waits for a holder to have got all; a slow one goes on, and the look at its bite tells."""

END = 3.0
"""Seconds for the kernel to take back what a killed holder held."""

_children: dict[str, Child] = {}
"""The holders that this process has started and has to reap, by their faults."""


def end_of(duration: float) -> float:
    """When a holder that is started now has to end by itself, in monotonic seconds of this machine."""
    return time.monotonic() + duration + GRACE


class HeldInjection(Injection):
    """A holder of a resource. until: its own end, in monotonic seconds of this machine."""

    identity: str
    until: float

    @abstractmethod
    def words(self) -> list[str]:
        """What it holds: the kind and options of its command line."""

    async def inject(self) -> None:
        """Start it, and wait until it has got what was asked. Raises NeedError when it can't have it."""
        heard, say = os.pipe()
        try:
            options = [self.token, "--until", str(self.until), "--say", str(say), *self.words()]
            command = [sys.executable, "-m", "chaos.holder", *options]
            _children[self.identity] = spawn("the holder", command, Path(os.devnull), pass_fds=(say,))
        except BaseException:
            os.close(heard)
            raise
        finally:
            os.close(say)
        line = await _line(heard, START)
        if line not in ("holding", None):
            raise NeedError(f"{self.words()[0]} can't be held: {line or 'the holder ended before it was there'}")

    async def heal(self) -> None:
        found = holders(self.identity)
        for one in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
        await _until(lambda: not any(one.alive for one in found), END)
        if (child := _children.get(self.identity)) is not None:
            await _until(lambda: not child.alive, END)  # reaps it
            _children.pop(self.identity, None)

    async def healed(self) -> Probe:
        if found := holders(self.identity):
            return Probe(False, f"its holder is still there (process {', '.join(str(one.pid) for one in found)})")
        return Probe(True, "its holder is gone, and the kernel has taken back what it held")

    def by_hand(self) -> str:
        return f"pkill -KILL -f '[f]lashcrowd-{self.identity}'"  # the brackets keep it from finding its own shell

    def looks_until(self, patience: float) -> float:
        """When a look for its effect ends, in monotonic seconds: after this patience, or with the fault's time."""
        return min(time.monotonic() + patience, self.until - GRACE)

    @property
    def token(self) -> str:
        return f"flashcrowd-{self.identity}"


def holders(identity: str) -> list[ProcessId]:
    """The processes that hold something for this fault, burners included; those that are dying are not among them."""
    words = f"\0-m\0chaos.holder\0flashcrowd-{identity}\0".encode()
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [ProcessId.of(number) for number in numbers if words in command_line(number)]


def unavailable() -> str | None:
    """Why no holder can work on this machine; None when one can."""
    if not Path("/proc/self/cmdline").exists():
        return "it needs Linux's /proc; inject it on a Linux machine"
    return None


async def _line(pipe: int, timeout: float) -> str | None:
    """What is said on a pipe, empty when its other end is closed first; None when nothing is within the timeout."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        async with asyncio.timeout(timeout):
            return (await reader.readline()).decode().strip()
    except TimeoutError:
        return None
    finally:
        transport.close()


async def _until(condition: Callable[[], bool], timeout: float) -> None:
    """Until it holds or the timeout (seconds) has passed."""
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.002)
