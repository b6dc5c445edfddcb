"""Program: one command, run without a shell in a process group of its own, and never for longer than it may.

What it starts belongs to it as long as it stays in that group: it is killed with it at the timeout, when we are
cancelled, and when the fault is healed. The kernel kills the program itself when we die; the rest of its group is found
by what it has in its environment. A daemon, which makes a session of its own, is left alone.

FLASHCROWD_FAULT_ID    the fault's own name, 12 hexadecimal digits
FLASHCROWD_COMPONENT   the component that it is on
FLASHCROWD_FAULT_STEP  inject, probe or heal
FLASHCROWD_FAULT_GROUP the process group
FLASHCROWD_ADMIN       where the component takes such requests, if the target file says

A program is looked for beside our own Python first, then on PATH: `python` is the one that has us.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flashcrowd.errors import NeedError
from flashcrowd.lifeline import die_with
from flashcrowd.units import format_duration

CAPTURED = 65_536
"""Bytes of each of its two outputs that are looked at: the last."""

LINGERS = 0.1
"""Seconds that the output of a program that has ended is waited for: what it left running may hold it open."""


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status, negative for a signal, and the ends of what it said."""

    status: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Its last words: what it complained of, else what it said."""
        return (self.stderr.strip() or self.stdout.strip())[-300:]


async def run(words: Sequence[str], folder: str, environment: Mapping[str, str], timeout: float) -> Ended:
    """Run a program to its end in a folder; environment is added to ours.

    Raises:
        NeedError: it can't be started, or took longer than the timeout (seconds) and was killed with its children.
    """
    async with _Output() as stdout, _Output() as stderr:
        process = await _start(words, folder, environment, stdout, stderr)
        try:
            async with asyncio.timeout(timeout):
                status = await process.wait()
        except TimeoutError:
            raise NeedError(f"it took longer than {format_duration(timeout)} and was killed") from None
        finally:
            if process.returncode is None:
                kill_group(process.pid)
                await process.wait()
        await asyncio.wait([stdout.ended, stderr.ended], timeout=LINGERS)
        return Ended(status, stdout.text, stderr.text)


def found(program: str) -> str | None:
    """Where a program is; None when there is none of this name."""
    return shutil.which(program, path=os.pathsep.join(_folders()))


def _folders() -> list[str]:
    return [str(Path(sys.executable).parent), *os.get_exec_path()]


def kill_leftovers(identity: str, step: str) -> None:
    """Kill what a fault's commands of one step have left in their process groups."""
    for pid in _leftovers(identity, step):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


async def _start(
    words: Sequence[str], folder: str, environment: Mapping[str, str], stdout: _Output, stderr: _Output
) -> asyncio.subprocess.Process:
    parent = os.getpid()

    def prepare() -> None:
        die_with(parent)
        path = os.pathsep.join(_folders())
        os.environ.update(environment, FLASHCROWD_FAULT_GROUP=str(os.getpid()), PATH=path)

    try:
        return await asyncio.create_subprocess_exec(
            *((found(words[0]) or words[0]) if "/" not in words[0] else words[0], *words[1:]),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout.writing,
            stderr=stderr.writing,
            start_new_session=True,
            preexec_fn=prepare,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise NeedError(f"it can't be started in {folder}: {(why or str(error)).lower()}") from None
    finally:
        stdout.close_ours()
        stderr.close_ours()


def _leftovers(identity: str, step: str) -> Iterator[int]:
    """Processes that carry the fault's name and are still in the group that their program had."""
    wanted = {f"FLASHCROWD_FAULT_ID={identity}".encode(), f"FLASHCROWD_FAULT_STEP={step}".encode()}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            variables = set((entry / "environ").read_bytes().split(b"\0"))
            if wanted <= variables and f"FLASHCROWD_FAULT_GROUP={os.getpgid(int(entry.name))}".encode() in variables:
                yield int(entry.name)
        except OSError:
            continue


class _Output(asyncio.Protocol):
    """A pipe, of which the end of what comes through is kept."""

    async def __aenter__(self) -> _Output:
        reading, self.writing = os.pipe()
        self._data, self.ended = bytearray(), asyncio.get_running_loop().create_future()
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: self, os.fdopen(reading, "rb", buffering=0)
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close_ours()
        self._transport.close()

    def close_ours(self) -> None:
        """Close our copy of the end that the program writes to, so that its end is seen."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1

    def data_received(self, data: bytes) -> None:
        self._data += data
        del self._data[:-CAPTURED]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    @property
    def text(self) -> str:
        return self._data.decode("utf-8", errors="replace")
