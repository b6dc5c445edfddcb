"""Interrupt: Ctrl-C and its relatives end a run in an orderly way, however often they come.

The first SIGINT, SIGTERM or SIGHUP cancels the run, whose `finally` blocks heal and save. Later ones are answered
with a sentence and change nothing: a second Ctrl-C must not skip the healing.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flashcrowd.errors import ExitCode, FlashcrowdError

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Listener = Callable[[int], None]
"""Told of each signal, how many there were by then."""

_listeners: list[Listener] = []


class Interrupted(FlashcrowdError):
    """The run was ended by a signal, and what it held has been healed and saved."""

    exit_code = ExitCode.INTERRUPTED


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Have somebody else say it to the person at the terminal, as a display that owns it."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine like `asyncio.run`, cancelled by the first signal.

    Raises:
        Interrupted: a signal came and the coroutine let its cancellation through.
    """
    with asyncio.Runner() as runner:
        return runner.run(_watched(main))


async def _watched(main: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(main)
    seen: list[signal.Signals] = []

    def interrupt(number: signal.Signals) -> None:
        seen.append(number)
        if len(seen) == 1:
            task.cancel()
        for listener in _listeners:
            listener(len(seen))
        if len(seen) > 1 and not _listeners:
            print("still healing and saving; it takes a few seconds", file=sys.stderr)  # noqa: T201

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, interrupt, number)
    try:
        return await task
    except asyncio.CancelledError:
        if seen:
            raise Interrupted(f"stopped by {seen[0].name}") from None
        raise
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
