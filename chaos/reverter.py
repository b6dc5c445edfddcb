"""The reverter: its own process in its own session, which heals what its injector can't heal any more.

    python -m chaos.reverter --log FOLDER --commands FD --acks FD

It is armed before a fault is injected. It heals when the injector's end of the command pipe closes, which the kernel
does whatever ended the injector; when a fault's time is up, whatever the injector is doing; and when it is asked to
end itself, as a fault without a reverter must not be. One reverter serves all faults of its injector.

command      answer                   meaning
             started                  it listens
arm ID       armed ID                 the record was read and can be healed; inject now
             refused ID REASON        don't
closed ID                             healed and seen to be healed
(end)                                 the injector is gone: heal all that is not closed
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from chaos.fault import Injection
from chaos.healing import heal
from chaos.undolog import Record, UndoLog
from flashcrowd.errors import ExitCode, NeedError

GRACE = 1.0
"""Seconds after a fault's time that its injector has to heal it itself."""

PATIENCE = 60.0
"""Seconds for which healing is tried again, from the end of a fault's time or from now, whichever is later."""

CONFIRM = (0.3, 1.0)
"""Pauses before we look again, when the injector died: its request to inject may still be under way."""

log = logging.getLogger("chaos.reverter")


@dataclass
class Armed:
    """One fault that is being watched. until: its end of time, monotonic; timer: heals it then."""

    record: Record
    injection: Injection
    until: float
    timer: asyncio.Task[bool] | None = None

    @property
    def patience(self) -> float:
        return max(0.0, self.until - time.monotonic()) + PATIENCE


class Reverter:
    """What is armed. A fault whose time is up is healed, yet stays armed: a stopped injector may still inject it."""

    def __init__(self, undo_log: UndoLog, acks: int) -> None:
        self._log, self._acks = undo_log, acks
        self._armed: dict[str, Armed] = {}

    def command(self, line: str) -> None:
        """Obey one line of the injector's."""
        verb, _, identity = line.partition(" ")
        if verb == "arm":
            self._arm(identity)
        elif verb == "closed" and (armed := self._armed.pop(identity, None)) is not None and armed.timer is not None:
            armed.timer.cancel()

    async def end(self) -> bool:
        """Heal all that is armed, the youngest first; whether everything is healed."""
        self._adopt()
        armed = list(reversed(self._armed.values()))
        for one in armed:
            if one.timer is not None:
                one.timer.cancel()
            with contextlib.suppress(Exception):
                async with asyncio.timeout(2):
                    await one.injection.heal()
        return all(await asyncio.gather(*(self._heal(one, "its injector is gone", CONFIRM) for one in armed)))

    def _adopt(self) -> None:
        """Take in what was written for us by an injector that died before it could have it armed, and all orphans."""
        try:
            found = self._log.all()
        except NeedError as error:
            log.error("%s", error)
            return
        for record in found:
            if isinstance(record, Record) and record.id not in self._armed and _is_ours(record):
                self._armed[record.id] = _watch(record)

    def _arm(self, identity: str) -> None:
        record = self._log.read(self._log.path(identity))
        if not isinstance(record, Record):
            self.answer(f"refused {identity} {record or 'there is no such record'}")
            return
        armed = self._armed[identity] = _watch(record)
        wait = armed.until - time.monotonic() + GRACE
        armed.timer = asyncio.get_running_loop().create_task(self._at_end_of_time(armed, wait))
        self.answer(f"armed {identity}")

    async def _at_end_of_time(self, armed: Armed, wait: float) -> bool:
        await asyncio.sleep(wait)
        return await self._heal(armed, "its time is up")

    async def _heal(self, armed: Armed, why: str, confirm: tuple[float, ...] = ()) -> bool:
        record = armed.record
        probe = await heal(armed.injection, armed.patience, confirm)
        name = f"{record.kind} on {record.on} ({record.id})"
        try:
            if probe.ok:
                self._log.close(record.id)
                log.info("%s healed, as %s: %s", name, why, probe.message)
            else:
                log.error("%s could not be healed: %s; by hand: %s", name, probe.message, armed.injection.by_hand())
                self._log.note(record, probe.message)
        except NeedError as error:
            log.error("%s: %s", name, error)
        return probe.ok

    def answer(self, line: str) -> None:
        """Say one line to the injector."""
        with contextlib.suppress(OSError):  # nobody reads it any more: the command pipe will tell
            os.write(self._acks, f"{line}\n".encode())


def _is_ours(record: Record) -> bool:
    """Whether it was written for us, or for nobody any more; never a stranger's, whose words we would run."""
    orphan = not (record.injector.alive or record.reverter.alive)
    return record.stranger is None and (record.reverter.pid == os.getpid() or orphan)


def _watch(record: Record) -> Armed:
    """What a record says, its end of time by the clock that nobody sets."""
    _, injection = record.revive()
    return Armed(record, injection, time.monotonic() + record.expires_at - time.time())


async def serve(folder: Path, commands: int, acks: int) -> bool:
    """Obey until the commands end or we are asked to; whether everything is healed."""
    reverter = Reverter(UndoLog(folder), acks)
    loop = asyncio.get_running_loop()
    obeying = loop.create_task(_obey(reverter, commands))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, obeying.cancel)
    reverter.answer("started")
    with contextlib.suppress(asyncio.CancelledError):
        await obeying
    return await reverter.end()


async def _obey(reverter: Reverter, commands: int) -> None:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(commands, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        while line := await reader.readline():
            reverter.command(line.decode().strip())
    finally:
        transport.close()


def main() -> int:
    """Serve one injector; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m chaos.reverter", description="heals what its injector can't")
    parser.add_argument("--log", type=Path, required=True, metavar="FOLDER", help="the undo log")
    parser.add_argument("--commands", type=int, required=True, metavar="FD", help="the pipe that the injector writes")
    parser.add_argument("--acks", type=int, required=True, metavar="FD", help="the pipe that the injector reads")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    healed = asyncio.run(serve(options.log, options.commands, options.acks))
    return ExitCode.PASS if healed else ExitCode.UNHEALED


if __name__ == "__main__":
    sys.exit(main())
