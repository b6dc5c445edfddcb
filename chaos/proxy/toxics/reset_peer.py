"""`reset_peer`: a connection is reset when something comes through it, or a while after that."""

from __future__ import annotations

import asyncio
import time

from pydantic import Field

from chaos.proxy.line import at
from chaos.proxy.toxic import Attributes, Ending, Receiver, Stage


class ResetPeer(Attributes):
    """Both sides get a reset `timeout` milliseconds after the first byte, or the end, that comes; data is dropped."""

    timeout: int = Field(0, ge=0)

    def stage(self, following: Receiver) -> Stage:
        return Fuse(following, self.timeout / 1000)


class Fuse(Stage):
    """Lit by what comes first. Taken out while it burns it goes off at once, as bytes have been lost already.

    Toxiproxy resets no connection that was open before the toxic came, but closes it; here each is reset.
    """

    def __init__(self, following: Receiver, timeout: float) -> None:
        super().__init__(following)
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        self._light()

    def finish(self, ending: Ending = Ending.HALF) -> None:
        self._light()

    def release(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self.following.finish(Ending.RESET)

    def _light(self) -> None:
        if self._timer is None:
            self._timer = at(time.monotonic() + self._timeout, self.release)
