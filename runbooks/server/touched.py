"""Touched: the components that a runbook may change, and who may have them: one mitigation at a time on each.

An http step touches what its address names (`${shop.admin}/...` is the component shop); any step may name others in its
setting `on`. A step that tells nothing may touch everything.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from runbooks.model import HttpStep, Runbook, Step

EVERYTHING = "*"
_COMPONENT = re.compile(r"\$\{([^}]+)\.[^.}]+\}")


def components(runbook: Runbook) -> frozenset[str]:
    """All that its Mitigation and Rollback may touch, whichever cause is found."""
    return frozenset(name for step in runbook if step.acts for name in of_step(step))


def of_step(step: Step) -> frozenset[str]:
    """What one step may touch."""
    found = set(step.on)
    if isinstance(step, HttpStep):
        found |= {match[1]} if (match := _COMPONENT.match(step.url)) and match[1] != "env" else set()
    return frozenset(found or {EVERYTHING})


class Touch:
    """Who is at work on what."""

    def __init__(self) -> None:
        self._held = dict[str, str]()
        self._freed = asyncio.Condition()

    def holder(self, wanted: Iterable[str]) -> str | None:
        """Somebody who is at work on one of these, if anybody is."""
        names = set(wanted)
        for name, who in self._held.items():
            if name in names or EVERYTHING in names or name == EVERYTHING:
                return who
        return None

    @asynccontextmanager
    async def hold(self, wanted: frozenset[str], who: str) -> AsyncIterator[None]:
        """Wait until nobody is at work on any of these, then have them while the block lasts."""
        async with self._freed:
            await self._freed.wait_for(lambda: self.holder(wanted) is None)
            self._held.update(dict.fromkeys(wanted, who))
        try:
            yield
        finally:
            for name in wanted:
                del self._held[name]
            # Shielded: a cancelled holder must free what it had, or others wait for ever.
            await asyncio.shield(self._tell())

    async def _tell(self) -> None:
        async with self._freed:
            self._freed.notify_all()
