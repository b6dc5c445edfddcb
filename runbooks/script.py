"""Script: the action of sh steps."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from flashcrowd.errors import NeedError
from flashcrowd.process import Child, spawn
from flashcrowd.units import format_duration
from runbooks.actions import CAPTURED, ActionError, RefusedError
from runbooks.blocks import environment_name
from runbooks.model import ShStep
from runbooks.stragglers import VARIABLE, end, mark


async def run_script(step: ShStep, variables: Mapping[str, str], labels: Mapping[str, str], run: str = "") -> str:
    """Run a step's script in a session of its own, without input; its stdout and stderr together.

    Nothing is put into the text of the script: variables and labels are environment variables. At the timeout, or
    when we are cancelled, the whole process group is killed, and so is whatever a failed script has left behind. What
    one that succeeded left behind is wanted, and stays. run: the audit's, by which its processes are known.

    Raises:
        RefusedError: it can't be started.
        ActionError: it failed, or took longer than the timeout.
    """
    reading, writing = os.pipe()
    known_by = mark(run or uuid.uuid4().hex, step.name)
    try:
        # The path reopens our pipe, so that the output is bounded here and no unmasked copy of it is left on disk.
        child = _start(step, Path(f"/dev/fd/{writing}"), {**environment(variables, labels), VARIABLE: known_by})
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    tail, code = _Tail(), None
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: tail, pipe)
        try:
            code = await _wait(child, step, tail)
        finally:
            if child.alive:
                child.kill()
                await child.wait()
            if code != 0:
                await asyncio.to_thread(end, known_by)
            transport.close()
    if code != 0:
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        raise ActionError(f"the script {ended}", tail.text)
    return tail.text


def environment(variables: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """What sh steps find in their environment beside ours: `SHOP_ADMIN`, `ALERT_LABEL_alertname`."""
    values = {environment_name(name): value for name, value in variables.items() if not name.startswith("env.")}
    values |= {environment_name(f"alert.{name}"): value for name, value in labels.items()}
    return {name: _acceptable(value) for name, value in values.items()}


def _acceptable(value: str) -> str:
    """The value without what no environment can hold: NUL, and halves of characters (from JSON's `\\ud800`)."""
    return value.replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")


def _start(step: ShStep, output: Path, env: Mapping[str, str]) -> Child:
    try:
        return spawn(step.name, ["/bin/sh", "-ec", step.script], output, env)
    except (NeedError, ValueError) as error:
        raise RefusedError(str(error)) from None


async def _wait(child: Child, step: ShStep, tail: _Tail) -> int:
    try:
        code = await asyncio.wait_for(child.wait(), step.timeout)
    except TimeoutError:
        raise ActionError(f"took longer than {format_duration(step.timeout)} and was killed", tail.text) from None
    # What a background child of the script goes on printing isn't waited for.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(tail.ended.wait(), 0.2)
    return code


class _Tail(asyncio.Protocol):
    """The end of what comes through a pipe."""

    def __init__(self) -> None:
        self._data, self.ended = bytearray(), asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._data += data
        del self._data[:-CAPTURED]

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    @property
    def text(self) -> str:
        return self._data.decode("utf-8", errors="replace")
