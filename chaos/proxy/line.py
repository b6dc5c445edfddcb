"""Line: a stage in which every chunk waits for its time; nothing overtakes, and the end comes behind the last byte."""

from __future__ import annotations

import asyncio
import math
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable

from chaos.proxy.toxic import CHUNK_COST, Ending, Receiver, Stage


class Line(Stage):
    """What is held, each chunk with the time (of the monotonic clock) at which it leaves."""

    def __init__(self, following: Receiver) -> None:
        super().__init__(following)
        self._line: deque[tuple[float, bytes | Ending]] = deque()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def leaves(self, now: float, last: float, size: int) -> float:
        """When a chunk of so many bytes leaves that comes now. last: when the one before it does."""

    def feed(self, data: bytes) -> None:
        self.held += len(data) + CHUNK_COST
        self._append(data, len(data))

    def finish(self, ending: Ending = Ending.HALF) -> None:
        self._append(ending, 0)

    def release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pass_on(math.inf)

    def _append(self, item: bytes | Ending, size: int) -> None:
        self._last = max(self._last, self.leaves(time.monotonic(), self._last, size))
        self._line.append((self._last, item))
        self._arm()

    def _arm(self) -> None:
        if self._timer is None and self._line and self._line[0][0] < math.inf:
            self._timer = at(self._line[0][0], self._due)

    def _due(self) -> None:
        self._timer = None
        self._pass_on(time.monotonic())
        self._arm()

    def _pass_on(self, now: float) -> None:
        while self._line and self._line[0][0] <= now:
            _, item = self._line.popleft()
            if isinstance(item, Ending):
                self.following.finish(item)
            else:
                self.held -= len(item) + CHUNK_COST
                self.following.feed(item)


def at(when: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    """Call at a time of the monotonic clock, never before: the loop's clock has whole milliseconds, so round up."""
    wait = math.ceil(max(0.0, when - time.monotonic()) * 1000) / 1000
    return asyncio.get_running_loop().call_later(wait, call)
