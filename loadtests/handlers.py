"""Handlers: the viewers' reactions to events, each in a lane, and their end when the load ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent  # type: ignore[import-untyped]
from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]

from loadtests.crowd.engine import Engine


class Handlers:
    """All that run in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting = 0
        self._running = set[greenlet]()
        self._closed = False

    def __len__(self) -> int:
        return self._waiting + len(self._running)

    def run(self, handler: Callable[[Any], Any], event: Any, failed: Callable[[Exception], None], at: float) -> None:
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
