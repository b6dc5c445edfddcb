"""Arrivals: things begun on a schedule, whether or not earlier ones have ended (an open model).

    present viewers ─► rate ─► instants, as a Poisson process ─► a free viewer each, or nobody: dropped

Viewers who wait for the server's answer before they act again slow down with it, and hide how it would do under the
same demand. Here the demand is given. Arrivals are a Poisson process, as those of many independent people are
(A. K. Erlang, 1909); shares of one are Poisson processes too, so that workers share it out without a word: each viewer
who is there carries an equal part of the rate, and takes it along wherever Locust's rebalancing puts its place.

Nothing is caught up in silence: a start that is late is counted and timed from when it was due, and one that would be
later than MISSED is dropped, because a burst of them would be another load than the one asked for.
"""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Protocol

from loadtests.crowd.engine import Engine
from loadtests.crowd.timers import Timer
from loadtests.generator import LATE
from loadtests.metrics import Tally

MISSED = 1.0
"""Seconds late from which an arrival is dropped."""


class Poisson:
    """Instants of a Poisson process whose rate may change at any time.

    Between two arrivals the integral of the rate is exponentially distributed with mean 1, whatever the rate does
    meanwhile (time rescaling: D. J. Daley and D. Vere-Jones, An Introduction to the Theory of Point Processes, 7.4).
    """

    def __init__(self, now: float, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random(random.random())
        self._since, self._left, self._rate = now, self._chance.expovariate(1.0), 0.0

    @property
    def due(self) -> float:
        """When the next one comes if the rate stays; infinity when it is 0."""
        return self._since + self._left / self._rate if self._rate > 0.0 else float("inf")

    def change(self, rate: float, now: float) -> None:
        """Another rate, per second, from now on. What was due before must have been taken."""
        self._left = max(0.0, self._left - max(0.0, now - self._since) * self._rate)
        self._since, self._rate = max(now, self._since), rate

    def take(self, now: float) -> Iterator[float]:
        """The instants that have come, in order."""
        while (due := self.due) <= now:
            self._since, self._left = due, self._chance.expovariate(1.0)
            yield due


class Arriving(Protocol):
    """A viewer to whom an arrival may fall."""

    def arrive(self, due: float) -> None:
        """Begin, in a lane; `due`: when it should have begun, by `time.monotonic()`."""


class Arrivals:
    """The arrivals of one process. each: the rate that one viewer carries, per second."""

    def __init__(self, engine: Engine, tally: Tally, each: float) -> None:
        self._engine, self._tally, self._each = engine, tally, each
        self._schedule = Poisson(time.monotonic())
        self._free = OrderedDict[Arriving, None]()
        self._present = set[Arriving]()
        self._timer: Timer | None = None

    def enter(self, viewer: Arriving) -> None:
        """A viewer is there (its on_start is over), and free."""
        self._present.add(viewer)
        self._free[viewer] = None
        self._change()

    def free(self, viewer: Arriving) -> None:
        """The viewer is done with what it began."""
        if viewer in self._present:
            self._free[viewer] = None

    def leave(self, viewer: Arriving) -> None:
        """The viewer has gone, with its part of the rate. May be repeated."""
        if viewer in self._present:
            self._present.discard(viewer)
            self._free.pop(viewer, None)
            self._change()

    def started(self, due: float) -> None:
        """A viewer has begun, which was due then."""
        tally, late = self._tally, time.monotonic() - due
        tally.arrival_lag.record(late)
        tally.arrivals_started += 1
        tally.arrivals_late += late > LATE

    def end(self) -> None:
        """The load is ending: nothing more is due. May be repeated."""
        self._present.clear()
        self._free.clear()
        self._change()

    def _turn(self) -> None:
        """Give what is due to those who are free, the longest free first."""
        self._timer = None
        now, tally = time.monotonic(), self._tally
        for due in self._schedule.take(now):
            tally.arrivals_planned += 1
            if self._free and now - due <= MISSED:
                viewer, _ = self._free.popitem(last=False)
                viewer.arrive(due)
            else:
                tally.arrivals_dropped += 1
        self._set()

    def _change(self) -> None:
        now = time.monotonic()
        if self._schedule.due <= now:
            self._turn()
        self._schedule.change(self._each * len(self._present), now)
        self._set()

    def _set(self) -> None:
        if self._timer is not None:
            self._engine.timers.cancel(self._timer)
            self._timer = None
        if (due := self._schedule.due) != float("inf"):
            self._timer = self._engine.at(due, self._turn)
