"""Handlers: the viewers' reactions to events, each in a lane, and their end when the load ends.

A reaction time that is known before the handler runs costs a timer. One inside of it (`CrowdUser.react`) costs a lane,
which is kept waiting: at an opening thousands are made at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent  # type: ignore[import-untyped]
from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]

from loadtests.crowd.engine import Engine
from loadtests.crowd.histogram import LatencyHistogram

Handler = Callable[[Any], Any]


class Handlers:
    """All that run in this process. rush_lag: where it is noted how late those began that had a reaction time."""

    def __init__(self, engine: Engine, rush_lag: LatencyHistogram) -> None:
        self._engine, self._rush_lag = engine, rush_lag
        self._waiting = 0
        self._running = set[greenlet]()
        self._closed = False

    def __len__(self) -> int:
        return self._waiting + len(self._running)

    def run(self, handler: Handler, event: Any, failed: Callable[[Exception], None], at: float) -> None:
        """Call the handler in a lane; `at`: when the event arrived, unix seconds; `failed` hears of its exception.

        One that doesn't wait for a reaction time (`CrowdUser.react`) was due at once: how late it began is the
        generator's lag. For one that does, what counts is how late it goes on after it.
        """

        def job() -> None:
            self._waiting -= 1
            if self._closed:
                return
            lane, late = getcurrent(), max(0.0, time.time() - at)
            self._running.add(lane)
            lane.since = at
            try:
                handler(event)
            except Exception as error:
                failed(error)
            finally:
                if lane.since == at:
                    self._engine.start_lags.append(late)
                lane.since = None
                self._running.discard(lane)

        self._waiting += 1
        self._engine.lend(job)

    def run_after(
        self, seconds: float, handler: Handler, event: Any, failed: Callable[[Exception], None], at: float
    ) -> None:
        """As `run`, but so many seconds after the event has arrived; how late it begins then is `rush lag`."""

        def begin(event: Any) -> None:
            late = max(0.0, time.time() - at - seconds)
            self._rush_lag.record(late)
            self._engine.start_lags.append(late)
            getcurrent().since = None  # the event has had its reaction time
            handler(event)

        ahead = at + seconds - time.time()
        if ahead <= 0.0:
            self.run(begin, event, failed, at + seconds)
        else:
            self._waiting += 1
            self._engine.after(ahead, partial(self._now, begin, event, failed, at + seconds))

    def _now(self, handler: Handler, event: Any, failed: Callable[[Exception], None], at: float) -> None:
        self._waiting -= 1
        self.run(handler, event, failed, at)

    def drain(self, grace: float) -> None:
        """Let those under way end for so many seconds, then end them."""
        end = time.monotonic() + grace
        while len(self) and time.monotonic() < end:
            gevent.sleep(0.02)
        self._closed = True
        for lane in self._running:
            self._engine.call(partial(self._interrupt, lane))
        end = time.monotonic() + 1.0
        while len(self) and time.monotonic() < end:
            gevent.sleep(0.02)
        self._closed = False

    def _interrupt(self, lane: greenlet) -> None:
        if lane in self._running:
            lane.throw(GreenletExit)
