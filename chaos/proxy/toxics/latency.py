"""`latency`: every chunk arrives later."""

from __future__ import annotations

import random

from pydantic import Field

from chaos.proxy.line import Line
from chaos.proxy.toxic import Attributes, Receiver, Stage


class Latency(Attributes):
    """Every chunk leaves `latency` ± `jitter` milliseconds after it came."""

    latency: int = Field(0, ge=0)
    jitter: int = Field(0, ge=0)

    def stage(self, following: Receiver) -> Stage:
        return DelayLine(following, self.latency / 1000, self.jitter / 1000)


class DelayLine(Line):
    """A pipe of a certain length in seconds: throughput isn't cut, the end is delayed like data."""

    def __init__(self, following: Receiver, delay: float, jitter: float) -> None:
        super().__init__(following)
        self._delay, self._jitter = delay, jitter

    def leaves(self, now: float, last: float, size: int) -> float:
        return now + max(0.0, self._delay + random.uniform(-self._jitter, self._jitter))
