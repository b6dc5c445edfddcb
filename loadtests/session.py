"""Session: all that the viewers of one process share, and the clock that keeps it going.

Once a second it flushes the history, sends due heartbeats and judges the generator itself; a faster timer measures how
late this process wakes.
"""

from __future__ import annotations

import time
from itertools import count

import gevent  # type: ignore[import-untyped]

from flashcrowd.errors import InputError
from loadtests.config import LoadConfig
from loadtests.generator import PERIOD, GeneratorWatch
from loadtests.history import HistoryWriter, file_of
from loadtests.identities import IdentityPool
from loadtests.live import Live
from loadtests.metrics import Tally
from loadtests.report import Report
from loadtests.shop import Shop
from loadtests.variables import Variables

GRACE = 3.0
"""Seconds that orders under way get at the end before they are cut off, and are unknown: most answers are faster."""


class Session:
    """One process of a load. `worker` counts from 0. Raises InputError when a target's block can't be used."""

    def __init__(self, config: LoadConfig, worker: int, report: Report) -> None:
        self.config, self.tally, self.watch = config, Tally(), GeneratorWatch()
        self.tally.lag = self.watch.lag
        self._history = HistoryWriter(file_of(config.folder, worker))
        self._live: Live | None = None
        self._shop: Shop | None = None
        if config.target is not None:
            spec = config.target.spec
            variables = Variables(config.run, spec.mark.headers)
            serials = count(worker, config.workers)
            self.identities = IdentityPool(spec.identities, worker, config.workers)
            if spec.live is not None:
                self._live = Live(spec.live, variables, self.tally, report, config.rooms, serials)
            if spec.shop is not None:
                self._shop = Shop(spec.shop, variables, self.tally, report, self._history)
        gevent.spawn(self._every_second)
        gevent.spawn(self._measure_lag)

    @property
    def live(self) -> Live:
        """Raises InputError when the target has no chat."""
        if self._live is None:
            raise InputError("the scenario enters a room, but the target file has no spec.live")
        return self._live

    @property
    def shop(self) -> Shop:
        """Raises InputError when the target has no shop."""
        if self._shop is None:
            raise InputError("the scenario goes shopping, but the target file has no spec.shop")
        return self._shop

    def end(self) -> None:
        """The load is ending: whoever wakes from here on begins nothing new. May be repeated."""
        if self._shop is not None:
            self._shop.end()

    def finish(self) -> None:
        """Let handlers end within the grace, cut off the others, and save everything. May be repeated."""
        if self._live is not None:
            self._live.drain(GRACE)
        self._history.flush()

    def _every_second(self) -> None:
        wall, used = time.monotonic(), time.process_time()
        while True:
            gevent.sleep(1.0)
            now, spent = time.monotonic(), time.process_time()
            self.watch.second((spent - used) / max(now - wall, 1e-3))
            wall, used = now, spent
            self.tally.saturated, self.tally.cpu = self.watch.saturated, self.watch.cpu
            self.tally.saturated_seconds = self.watch.saturated_seconds
            self._history.flush()
            if self._live is not None:
                self._live.beat()

    def _measure_lag(self) -> None:
        while True:
            due = time.monotonic() + PERIOD
            gevent.sleep(PERIOD)
            self.watch.woke(time.monotonic() - due)
