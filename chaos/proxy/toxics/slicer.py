"""`slicer`: data comes in small slices."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from typing import ClassVar

from pydantic import Field

from chaos.proxy.line import at
from chaos.proxy.toxic import CHUNK_COST, Attributes, Ending, Receiver, Stage


class Slicer(Attributes):
    """Slices of `average_size` ± `size_variation` bytes, a pause of `delay` microseconds behind each."""

    average_size: int = Field(0, ge=0)
    size_variation: int = Field(0, ge=0)
    delay: int = Field(0, ge=0)

    def stage(self, following: Receiver) -> Stage:
        return Slices(following, self)


class Slices(Stage):
    """Passes on a slice at each turn of the loop, as one turn's writes are joined into one; a size of 0 cuts nothing.

    Where the loop's clock is too coarse for the pause, the slices that are late follow in the next turns.
    """

    limit: ClassVar[int] = 256 * 2**10

    def __init__(self, following: Receiver, slicer: Slicer) -> None:
        super().__init__(following)
        self._slicer = slicer
        self._waiting: deque[memoryview | Ending] = deque()
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        self.held += len(data) + CHUNK_COST
        self._waiting.append(memoryview(data))
        self._arm()

    def finish(self, ending: Ending = Ending.HALF) -> None:
        self._waiting.append(ending)
        self._arm()

    def release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            self._pass_on(whole=True)

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = at(self._next, self._turn)

    def _turn(self) -> None:
        self._timer = None
        self._next = max(self._next, time.monotonic() - 0.001) + self._slicer.delay / 1e6
        self._pass_on(whole=False)
        self._arm()

    def _pass_on(self, whole: bool) -> None:
        head = self._waiting.popleft()
        if isinstance(head, Ending):
            self.following.finish(head)
            return
        size = len(head) if whole else self._size() or len(head)
        if size < len(head):
            self._waiting.appendleft(head[size:])
            self.held -= size
        else:
            self.held -= len(head) + CHUNK_COST
        self.following.feed(bytes(head[:size]))

    def _size(self) -> int:
        average, variation = self._slicer.average_size, self._slicer.size_variation
        return max(1, average + random.randint(-variation, variation)) if average else 0
