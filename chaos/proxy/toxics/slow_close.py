"""`slow_close`: a connection's end comes later than its last byte."""

from __future__ import annotations

import asyncio
import time

from pydantic import Field

from chaos.proxy.line import at
from chaos.proxy.toxic import Attributes, Ending, Receiver, Stage


class SlowClose(Attributes):
    """The end waits for `delay` milliseconds; data passes at once."""

    delay: int = Field(0, ge=0)

    def stage(self, following: Receiver) -> Stage:
        return HeldEnd(following, self.delay / 1000)


class HeldEnd(Stage):
    """Keeps the end back for some seconds, or until the toxic is removed."""

    def __init__(self, following: Receiver, delay: float) -> None:
        super().__init__(following)
        self._delay = delay
        self._end: tuple[Ending, asyncio.TimerHandle] | None = None

    def finish(self, ending: Ending = Ending.HALF) -> None:
        if self._end is None:
            self._end = ending, at(time.monotonic() + self._delay, self.release)

    def release(self) -> None:
        if self._end is not None:
            ending, timer = self._end
            timer.cancel()
            self.following.finish(ending)
