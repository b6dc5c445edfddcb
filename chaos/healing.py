"""Healing: undoing one injection until it is seen to be undone, past every error on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from chaos.fault import Injection, Probe

TRY = 10.0
"""Seconds for one try: what hangs is tried again rather than waited for."""

T = TypeVar("T")


async def heal(injection: Injection, patience: float, confirm: Sequence[float] = ()) -> Probe:
    """Heal until it is seen to be healed, or the patience (seconds) is at its end; the last probe.

    confirm: pauses in seconds, after each of which it is healed and looked at once more. They are for an injection
    that was under way when its injector died: its request may still be on the way and arrive after our first undoing.
    """
    until = time.monotonic() + patience
    pause = 0.05
    left = list(confirm)
    while True:
        probe = await _try(injection)
        if probe.ok and not left:
            return probe
        if not probe.ok and time.monotonic() + pause > until:
            return probe
        await asyncio.sleep(left.pop(0) if probe.ok else pause)
        pause = min(pause * 2, 2.0)


async def _try(injection: Injection) -> Probe:
    try:
        async with asyncio.timeout(TRY):
            await injection.heal()
            return await injection.healed()
    except Exception as error:
        return Probe(False, str(error) or type(error).__name__)


async def to_the_end(work: Coroutine[Any, Any, T] | asyncio.Task[T]) -> T:
    """Run something to its end, however often we are cancelled meanwhile.

    Its error is raised, else our cancellation, else its result is returned.
    """
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    result = task.result()
    if cancelled:
        raise asyncio.CancelledError
    return result
