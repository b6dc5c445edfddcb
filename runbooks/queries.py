"""Query: the action of promql steps, a look or a wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from flashcrowd.errors import FlashcrowdError
from flashcrowd.units import format_duration
from runbooks.actions import ActionError, Seen
from runbooks.execution import State
from runbooks.model import PromqlStep

Query = Callable[[str], Awaitable[list[float]]]
"""PromQL in, the values of its series now out; it may raise FlashcrowdError or OSError when there is no answer."""

SHOWN = 3
"""Values of one query that a message lists."""


async def look(step: PromqlStep, text: str, query: Query) -> Seen:
    """Ask once, and say whether it is as expected.

    Raises:
        ActionError: no answer within the timeout.
    """
    try:
        async with asyncio.timeout(step.timeout):
            values = tuple(await query(text))
    except TimeoutError:
        raise ActionError(f"no answer within {format_duration(step.timeout)}") from None
    if step.expect is None:
        return Seen(State.DONE, format_values(values), values=values)
    matched = step.expect.holds_for_all(values)
    message = f"{format_values(values)}, expected {step.expect}"
    return Seen(State.MATCHED if matched else State.NOT_MATCHED, message, values=values)


async def hold(
    step: PromqlStep, text: str, query: Query, poll: float, tell: Callable[[str], None] = lambda words: None
) -> Seen:
    """Ask every `poll` seconds until what is expected has held for the step's `for`; FAILED at the timeout.

    tell: called at each look with how it goes.

    Prometheus being away for a moment counts as not holding: it breaks the stretch, not the wait.
    """
    values: tuple[float, ...] = ()
    trouble, since, began = "", None, time.monotonic()
    try:
        async with asyncio.timeout(step.timeout):
            while True:
                try:
                    values, trouble = tuple(await query(text)), ""
                except (FlashcrowdError, OSError) as error:
                    values, trouble = (), f" ({error})"
                now = time.monotonic()
                since = (since or now) if _as_expected(step, values) else None
                if since is not None and now - since >= step.hold:
                    return Seen(State.DONE, _held(step, values), values=values)
                tell(f"{_so_far(step, values, since, now)} · {now - began:.0f} of {format_duration(step.timeout)}")
                await asyncio.sleep(poll)
    except TimeoutError:
        wait = format_duration(step.timeout)
        message = f"{format_values(values)}{trouble}, expected {_wanted(step)}, but it did not hold within {wait}"
        return Seen(State.FAILED, message, values=values)


def format_values(values: Sequence[float]) -> str:
    """Values as people read them: `0.81`, `no data`, `1, 2, 3 and 4 more`."""
    if not values:
        return "no data"
    more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return ", ".join(f"{value:.4g}" for value in values[:SHOWN]) + more


def _so_far(step: PromqlStep, values: Sequence[float], since: float | None, now: float) -> str:
    held = f"as expected for {now - since:.0f} s" if since is not None else f"expected {step.expect}"
    return f"{format_values(values)}, {held}"


def _as_expected(step: PromqlStep, values: Sequence[float]) -> bool:
    return step.expect is not None and step.expect.holds_for_all(values)


def _wanted(step: PromqlStep) -> str:
    return f"{step.expect} for {format_duration(step.hold)}" if step.hold else str(step.expect)


def _held(step: PromqlStep, values: Sequence[float]) -> str:
    return f"{format_values(values)}, as expected {_wanted(step)}"
