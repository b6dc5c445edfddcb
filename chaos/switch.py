"""The dead man's switch: an injector's end of its reverter. The pipe that we hold open closes when we die."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

from chaos.kinds.processes import ProcessId
from chaos.undolog import UndoLog
from flashcrowd.errors import NeedError
from flashcrowd.process import Child, spawn

ACK_TIMEOUT = 20.0


class DeadMansSwitch:
    """One reverter process and the two pipes to it.

    on_lost: called when the reverter ended although we didn't ask it to.
    """

    def __init__(self, log: UndoLog, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._closed = False
        theirs, self._commands = os.pipe()
        self._acks, acks = os.pipe()
        try:
            self._child = _spawn(log, theirs, acks)
        except BaseException:
            os.close(self._commands)
            os.close(self._acks)
            raise
        finally:
            os.close(theirs)
            os.close(acks)
        self.process = ProcessId.of(self._child.pid)

    async def started(self) -> None:
        """Wait for the reverter to listen, so that its start takes nothing of a fault's time; or for `arm` to refuse.

        It is a Python process that starts, so on a busy machine that may be seconds.
        """
        self._listen()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ACK_TIMEOUT):
                await self._started.wait()

    async def arm(self, identity: str) -> None:
        """Have the reverter watch a fault whose record is on disk; it answers when it could heal it.

        Raises:
            NeedError: it is gone, can't read the record, or doesn't answer; nothing may be injected then.
        """
        self._listen()
        armed = self._waiting[identity] = asyncio.get_running_loop().create_future()
        try:
            self._say(f"arm {identity}")
            async with asyncio.timeout(ACK_TIMEOUT):
                await armed
        except OSError:  # a broken pipe, or TimeoutError
            raise NeedError(
                f"the reverter is not armed, so nothing was injected; its log is {self._child.log}"
            ) from None
        finally:
            del self._waiting[identity]

    def release(self, identity: str) -> None:
        """The fault is healed: the reverter need not watch it any more."""
        with contextlib.suppress(OSError):
            self._say(f"closed {identity}")

    async def close(self, wait: float) -> None:
        """Let the reverter end, and wait for it so long (seconds); what is still armed it goes on healing by itself."""
        if not self._closed:
            self._closed = True
            os.close(self._commands)
            if self._reading is None:
                os.close(self._acks)
            else:
                self._reading.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._child.wait(), wait)

    def _listen(self) -> None:
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read())

    def _say(self, line: str) -> None:
        if self._closed:
            raise BrokenPipeError
        os.write(self._commands, f"{line}\n".encode())

    async def _read(self) -> None:
        reader = asyncio.StreamReader()
        pipe = os.fdopen(self._acks, "rb", buffering=0)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            while line := await reader.readline():
                self._answered(*line.decode().strip().split(" ", 2))
        finally:
            transport.close()
        self._started.set()
        for armed in self._waiting.values():
            if not armed.done():
                armed.set_exception(BrokenPipeError())
        self._on_lost()

    def _answered(self, verb: str, identity: str = "", reason: str = "") -> None:
        self._started.set()
        armed = self._waiting.get(identity)
        if armed is None or armed.done():
            return
        if verb == "armed":
            armed.set_result(None)
        else:
            armed.set_exception(NeedError(f"the reverter can't undo this fault, so nothing was injected: {reason}"))


def _spawn(log: UndoLog, commands: int, acks: int) -> Child:
    options = ["--log", str(log.folder.absolute()), "--commands", str(commands), "--acks", str(acks)]
    return spawn(
        "reverter",
        [sys.executable, "-m", "chaos.reverter", *options],
        log.folder / "reverter.log",
        pass_fds=(commands, acks),
        outlives_us=True,
    )
