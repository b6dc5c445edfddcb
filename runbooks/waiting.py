"""Waiting: the action of wait steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from flashcrowd.units import format_duration
from runbooks.actions import Seen
from runbooks.model import WaitStep

Tell = Callable[[str], None]
"""Called about once a second with a few words on how far something awaited has come."""


async def wait(step: WaitStep, tell: Tell) -> Seen:
    """Let the step's time pass."""
    until = time.monotonic() + step.hold
    while (left := until - time.monotonic()) > 0:
        tell(f"{format_duration(max(1, round(left)))} left")
        await asyncio.sleep(min(1.0, left))
    return Seen(message=f"waited {format_duration(step.hold)}")
