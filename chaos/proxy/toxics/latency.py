"""`latency`: every chunk arrives later."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque

from pydantic import Field

from chaos.proxy.toxic import CHUNK_COST, Attributes, Receiver, Stage


class Latency(Attributes):
    """Every chunk leaves `latency` ± `jitter` milliseconds after it came."""

    latency: int = Field(0, ge=0)
    jitter: int = Field(0, ge=0)

    def stage(self, following: Receiver) -> Stage:
        return DelayLine(following, self.latency / 1000, self.jitter / 1000)


class DelayLine(Stage):
    """A pipe of a certain length in seconds: throughput isn't cut, nothing overtakes, the end is delayed like data."""

    def __init__(self, following: Receiver, delay: float, jitter: float) -> None:
        super().__init__(following)
        self._delay, self._jitter = delay, jitter
        self._line: deque[tuple[float, bytes | None]] = deque()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        self.held += len(data) + CHUNK_COST
        self._append(data)

    def finish(self) -> None:
        self._append(None)

    def release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pass_on(math.inf)

    def _append(self, item: bytes | None) -> None:
        delay = max(0.0, self._delay + random.uniform(-self._jitter, self._jitter))
        self._last = max(self._last, time.monotonic() + delay)
        self._line.append((self._last, item))
        self._arm()

    def _arm(self) -> None:
        if self._timer is None and self._line:
            # The loop's clock has whole milliseconds: round up, so that a chunk is never early.
            wait = math.ceil(max(0.0, self._line[0][0] - time.monotonic()) * 1000) / 1000
            self._timer = asyncio.get_running_loop().call_later(wait, self._due)

    def _due(self) -> None:
        self._timer = None
        self._pass_on(time.monotonic())
        self._arm()

    def _pass_on(self, now: float) -> None:
        while self._line and self._line[0][0] <= now:
            _, item = self._line.popleft()
            if item is None:
                self.following.finish()
            else:
                self.held -= len(item) + CHUNK_COST
                self.following.feed(item)
