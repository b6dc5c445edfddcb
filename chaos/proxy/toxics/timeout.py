"""`timeout`: nothing gets through, and after a while the connection is closed."""

from __future__ import annotations

import asyncio
import time

from pydantic import Field

from chaos.proxy.line import at
from chaos.proxy.toxic import Attributes, Ending, Receiver, Stage


class Timeout(Attributes):
    """Data is dropped; the connection is closed `timeout` milliseconds after the last of it, at 0 only on removal."""

    timeout: int = Field(0, ge=0)

    def stage(self, following: Receiver) -> Stage:
        return Silence(following, self.timeout / 1000)


class Silence(Stage):
    """Drops what comes. A connection that has lost bytes is of no use: it is closed when the toxic is removed.

    Toxiproxy closes every connection then; here one that the toxic left alone stays.
    """

    def __init__(self, following: Receiver, timeout: float) -> None:
        super().__init__(following)
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None
        self._rearm()

    def feed(self, data: bytes) -> None:
        self._rearm()

    def finish(self, ending: Ending = Ending.HALF) -> None:
        self.release()
        self.following.finish(ending)

    def release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def leave(self) -> None:
        self.finish(Ending.CLOSE)

    def _rearm(self) -> None:
        self.release()
        if self._timeout:
            self._timer = at(time.monotonic() + self._timeout, self.leave)
