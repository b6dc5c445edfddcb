"""Toxics: what a proxy does to the bytes of one direction, by Toxiproxy's names and attributes.

A toxic type is an Attributes class, which checks what the API was given, and the Stage that it puts into every link.
Adding one is adding that pair, and its name to TYPES; neither links nor the API know a type.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from abc import abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

Stream = Literal["upstream", "downstream"]
STREAMS: tuple[Stream, Stream] = ("upstream", "downstream")
"""Client to upstream, and upstream to client; the order in which the API lists them."""

CHUNK_COST = 100
"""Bytes charged for a held chunk besides its data, so that a flood of tiny ones is bounded as well."""


class Receiver(Protocol):
    """What takes the bytes of one direction, in order, and its end."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> None: ...


class Stage:
    """One toxic's place in one link; this one lets everything through at once.

    held: bytes taken in and not yet passed on.
    """

    def __init__(self, following: Receiver) -> None:
        self.following, self.held = following, 0

    def feed(self, data: bytes) -> None:
        self.following.feed(data)

    def finish(self) -> None:
        self.following.finish()

    def release(self) -> None:
        """Pass on all that is held, at once and in order: the stage is being taken out."""


class Attributes(BaseModel):
    """What the API calls a toxic's attributes; unknown ones are ignored, as Toxiproxy does."""

    model_config = ConfigDict(frozen=True, strict=True)

    @abstractmethod
    def stage(self, following: Receiver) -> Stage:
        """A fresh stage for one link."""


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


TYPES: dict[str, type[Attributes]] = {"latency": Latency}
"""Toxic types by the API's name."""


@dataclass(frozen=True)
class Toxic:
    """One toxic of one proxy. toxicity: the share of connections that it is applied to, from 0 to 1."""

    name: str
    type: str
    stream: Stream
    toxicity: float
    attributes: Attributes

    def stage(self, following: Receiver) -> Stage:
        """This toxic's stage in one link, or one that does nothing when the dice let the connection go."""
        return self.attributes.stage(following) if random.random() < self.toxicity else Stage(following)

    def as_dict(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
            "attributes": self.attributes.model_dump(),
        }
