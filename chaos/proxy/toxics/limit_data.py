"""`limit_data`: a connection is closed when so much has come through it."""

from __future__ import annotations

from pydantic import Field

from chaos.proxy.toxic import Attributes, Ending, Receiver, Stage


class LimitData(Attributes):
    """The connection is closed behind its first `bytes` bytes, counted from when the toxic came."""

    limit: int = Field(0, ge=0, alias="bytes")

    def stage(self, following: Receiver) -> Stage:
        return Quota(following, self.limit)


class Quota(Stage):
    """Passes on what is within the quota. The count outlives a change of the toxic, as with Toxiproxy."""

    def __init__(self, following: Receiver, quota: int) -> None:
        super().__init__(following)
        self._quota, self._passed, self._used_up = quota, 0, False

    def feed(self, data: bytes) -> None:
        if self._used_up:
            return
        data = data[: max(0, self._quota - self._passed)]
        self._passed += len(data)
        if data:
            self.following.feed(data)
        if self._passed >= self._quota:
            self._used_up = True
            self.following.finish(Ending.CLOSE)

    def inherit(self, old: Stage) -> None:
        if isinstance(old, Quota):
            self._passed, self._used_up = old._passed, old._used_up
