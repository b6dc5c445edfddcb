"""Clock: how far that of Prometheus is from ours. Samples carry its time, so a window is one of its clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from monitors.prometheus import Prometheus

SKEW = 2.0
"""Seconds that two clocks kept by NTP over the internet never differ by; more is told."""


@dataclass(frozen=True)
class Clock:
    """now: the server's unix time. skew: seconds that it is ahead of ours, at least; 0 while the time that the answer
    took could explain all of it."""

    now: float
    skew: float

    @property
    def note(self) -> str | None:
        """The skew in words, where it is more than `SKEW`."""
        if abs(self.skew) <= SKEW:
            return None
        return f"the clock of Prometheus is {abs(self.skew):.0f} s {'ahead of' if self.skew > 0 else 'behind'} ours"

    def doubt(self, end: float) -> str | None:
        """Why a window that ends at this unix time can't be over yet; None when it is."""
        ahead = end - self.now
        return f"the window ends {ahead:.0f} s in the future of Prometheus" if ahead > SKEW else None


async def read(prometheus: Prometheus, ours: Callable[[], float] = time.time) -> Clock:
    """Compare the clocks. Raises NeedError when Prometheus doesn't answer."""
    before = ours()
    theirs = await prometheus.scalar("time()")
    after = ours()
    if theirs is None:
        return Clock(after, 0.0)
    middle, slack = (before + after) / 2, (after - before) / 2
    apart = theirs - middle
    return Clock(theirs + slack, max(0.0, abs(apart) - slack) * (1 if apart > 0 else -1))
