"""`bandwidth`: a connection has so many kilobytes a second."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from chaos.proxy.line import Line
from chaos.proxy.toxic import Attributes, Receiver, Stage

PIECE = 0.1
"""Seconds of the rate that a chunk may take at most; a longer one is sent in such pieces, as Toxiproxy does."""


class Bandwidth(Attributes):
    """`rate` thousand bytes a second; at 0 nothing passes until the toxic is removed, as with Toxiproxy."""

    rate: int = Field(0, ge=0)

    def stage(self, following: Receiver) -> Stage:
        return Throttle(following, self.rate * 1000)


class Throttle(Line):
    """A narrow place: a chunk leaves when all of it has gone through. It holds little, so that its sender feels it."""

    limit: ClassVar[int] = 64 * 2**10

    def __init__(self, following: Receiver, rate: float) -> None:
        super().__init__(following)
        self._rate = rate
        self._piece = max(1, int(rate * PIECE))

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), self._piece if self._rate else len(data)):
            super().feed(data[start : start + self._piece] if self._rate else data)

    def leaves(self, now: float, last: float, size: int) -> float:
        if not self._rate:
            return math.inf
        return max(now, last) + size / self._rate
