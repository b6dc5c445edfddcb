"""Session: all that the viewers of one process share, and the clock that keeps it going.

Once a second it flushes the history, sends due heartbeats, accounts for stalls, and judges deliveries and the generator
itself; a faster timer measures how late this process wakes.
"""

from __future__ import annotations

import gc
import logging
import time
from itertools import count
from math import ceil

from flashcrowd.errors import InputError
from loadtests import entries
from loadtests.arrivals import Arrivals
from loadtests.behaviour import Behaviour
from loadtests.config import LoadConfig
from loadtests.crowd.engine import Engine
from loadtests.crowd.http import MOST
from loadtests.crowd.sources import Sources
from loadtests.draw import Draws
from loadtests.generator import LATE, PERIOD, GeneratorWatch
from loadtests.history import HistoryWriter, file_of
from loadtests.identities import IdentityPool
from loadtests.live import Live
from loadtests.metrics import Tally
from loadtests.reach import guard_of, guarded
from loadtests.report import Log
from loadtests.shop import Shop
from loadtests.split import FEWEST, SPARE, loopback_sources, open_files, ports
from loadtests.stream import Stream
from loadtests.variables import Variables

_LOGGER = logging.getLogger(__name__)

COLLECT = (100_000, 20, 100)
"""When Python looks for circular garbage, of which viewers leave hardly any: by default it looks through the whole
crowd in the middle of a rush, which makes starts late."""

GRACE = 3.0
"""Seconds that orders under way get at the end before they are cut off, and are unknown: most answers are faster."""


class Session:
    """One process of a load. `worker` counts from 0. Raises InputError when a target's block can't be used."""

    def __init__(self, config: LoadConfig, worker: int, report: Log) -> None:
        self.report = report
        self.config, self.tally, self.watch = config, Tally(), GeneratorWatch()
        self.engine = Engine()
        self.engine.sources = _sources(config, worker)
        self.guard = guard_of(config.target)
        self.engine.resolve = guarded(self.guard)
        gc.freeze()
        gc.set_threshold(*COLLECT)
        self.tally.lag = self.watch.lag
        self.tally.start_lag, self.tally.read_lag = self.engine.start_lag, self.engine.read_lag
        self._history = HistoryWriter(file_of(config.folder, worker))
        self._live: Live | None = None
        self._shop: Shop | None = None
        self._stream: Stream | None = None
        self._behaviour: Behaviour | None = None
        self._draws: Draws | None = None
        if config.target is not None:
            spec = config.target.spec
            variables = Variables.of_target(config.run, spec)
            serials = count(worker, config.workers)
            self.identities = IdentityPool(spec.identities, worker, config.workers)
            if spec.live is not None:
                self._live = Live(self.engine, spec.live, variables, self.tally, report, config.rooms, serials)
            most = _connections(config)
            if spec.shop is not None:
                self._shop = Shop(self.engine, spec.shop, variables, self.tally, report, self._history, most=most)
            if spec.stream is not None:
                self._stream = Stream(
                    self.engine, spec.stream, variables, self.tally, report, config.rooms, self.guard, most=most
                )
            if spec.events is not None:
                self._behaviour = Behaviour(self.engine, spec.events, variables, self.tally, report, most=most)
            if spec.draw is not None:
                writer = entries.EntryWriter(entries.file_of(config.folder, worker))
                self._draws = Draws(self.engine, spec.draw, variables, report, writer, most=most)
        each = config.arrivals / config.viewers if config.arrivals is not None else 0.0
        self.arrivals = Arrivals(self.engine, self.tally, each) if each else None
        self.parked = self.arrivals is not None or config.shape.idle
        self._wall, self._used = time.monotonic(), time.process_time()
        self._second_due = self._probe_due = time.monotonic()
        self._every_second()
        self._probe()

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

    @property
    def stream(self) -> Stream:
        """Raises InputError when the target has no picture."""
        if self._stream is None:
            raise InputError("the scenario watches, but the target file has no spec.stream")
        return self._stream

    @property
    def behaviour(self) -> Behaviour:
        """Raises InputError when the target takes no behaviour data."""
        if self._behaviour is None:
            raise InputError("the scenario notes behaviour, but the target file has no spec.events")
        return self._behaviour

    @property
    def draws(self) -> Draws:
        """Raises InputError when the target has no draw."""
        if self._draws is None:
            raise InputError("the scenario enters a draw, but the target file has no spec.draw")
        return self._draws

    def inherit(self, first: int, step: int) -> None:
        """As `IdentityPool.inherit`."""
        if self.config.target is not None:
            self.identities.inherit(first, step)

    def end(self) -> None:
        """The load is ending: whoever wakes from here on begins nothing new. May be repeated."""
        if self.arrivals is not None:
            self.arrivals.end()
        if self._shop is not None:
            self._shop.end()

    def finish(self) -> None:
        """Let handlers and batches end within the grace, cut off the others, and save everything. May be repeated."""
        end = time.monotonic() + GRACE
        if self._live is not None:
            self._live.handlers.drain(GRACE)
        if self._behaviour is not None:
            self._behaviour.drain(max(0.5, end - time.monotonic()))
        self._history.flush()
        if self._draws is not None:
            self._draws.finish()
        self.settled()

    def settled(self) -> Tally:
        """The tally, with all that was only noted counted; Locust's statistics are as fresh then."""
        self.report.pour()
        self.engine.settle()
        self.tally.settle()
        return self.tally

    def _every_second(self) -> None:
        now, spent = time.monotonic(), time.process_time()
        self.settled()
        self.watch.starts(self.engine.start_lag.count, self.engine.start_lag.above(LATE))
        self.tally.presence.passed(max(0.0, now - self._wall), self.tally.viewers)
        if now > self._wall:
            self.watch.second((spent - self._used) / max(now - self._wall, 1e-3))
        self._wall, self._used = now, spent
        if self.watch.saturated:
            _LOGGER.warning("the generator is saturated: %s", self.watch.why)
        self._note()
        self._history.flush()
        if self._draws is not None:
            self._draws.flush()
        if self._live is not None:
            self._live.second(trusted=not self.watch.saturated)
        if self._stream is not None:
            self._stream.second()
        self._second_due = max(self._second_due + 1.0, now)
        self.engine.at(self._second_due, self._every_second)

    def _note(self) -> None:
        """Put what the engine and the watch know into the tally."""
        tally, watch, engine = self.tally, self.watch, self.engine
        tally.saturated, tally.cpu, tally.saturated_seconds = watch.saturated, watch.cpu, watch.saturated_seconds
        tally.late_starts, tally.reads, tally.unstamped = watch.late_starts, engine.reads, engine.unstamped

    def _probe(self) -> None:
        """Wake now and then, and see how late that is."""
        now = time.monotonic()
        self.watch.woke(now - self._probe_due)
        self._probe_due = now + PERIOD
        self.engine.at(self._probe_due, self._probe)


def _sources(config: LoadConfig, worker: int) -> Sources:
    others = config.target.spec.connect_from if config.target is not None else []
    loopback = loopback_sources(worker, ceil(config.viewers / config.workers), ports())
    return Sources(loopback, [str(address) for address in others])


def _connections(config: LoadConfig) -> int:
    """Connections to the shop: the open files that viewers leave, also when they have those of a lost worker."""
    viewers = ceil(config.viewers / max(1, config.workers - 1))
    return max(FEWEST, min(MOST, open_files() - SPARE - viewers))
