"""Toxic: what a proxy does to the bytes of one direction.

A toxic type is an Attributes class, which checks what the API was given, and the Stage that it puts into every link:
that pair, in one file of `chaos/proxy/toxics/`. Neither links nor the API know a type.
"""

from __future__ import annotations

import random
from abc import abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

Stream = Literal["upstream", "downstream"]
STREAMS: tuple[Stream, Stream] = ("upstream", "downstream")
"""Client to upstream, and upstream to client; the order in which the API lists them."""

CHUNK_COST = 100
"""Bytes charged for a held chunk besides its data, so that a flood of tiny ones is bounded as well."""


HELD_LIMIT = 32 * 2**20
"""Bytes that a stage may hold unless it says otherwise: what Toxiproxy's latency may (1,024 chunks of 32 KiB)."""


class Ending(Enum):
    """How a direction ends: like its source, with the other direction going on; or with the whole connection."""

    HALF = "half-close"
    CLOSE = "close"
    RESET = "reset"


class Receiver(Protocol):
    """What takes the bytes of one direction, in order, and its end; what comes after that is dropped."""

    def feed(self, data: bytes) -> None: ...

    def finish(self, ending: Ending = Ending.HALF) -> None: ...


class Stage:
    """One toxic's place in one link; this one lets everything through at once.

    held: bytes taken in and not yet passed on; with more than `limit` of them the link's source is stopped.
    """

    limit: ClassVar[int] = HELD_LIMIT

    def __init__(self, following: Receiver) -> None:
        self.following, self.held = following, 0

    def feed(self, data: bytes) -> None:
        self.following.feed(data)

    def finish(self, ending: Ending = Ending.HALF) -> None:
        self.following.finish(ending)

    def inherit(self, old: Stage) -> None:
        """Take over what an older stage of the same toxic knows of the connection."""

    def release(self) -> None:
        """Pass on all that is held, at once and in order: the stage is being taken out, or another one put in."""

    def leave(self) -> None:
        """The toxic is removed: what this means for the connection besides the release."""
        self.release()


class Attributes(BaseModel):
    """What the API calls a toxic's attributes; unknown ones are ignored, as Toxiproxy does."""

    model_config = ConfigDict(frozen=True, strict=True)

    @property
    def seen(self) -> dict[str, int] | None:
        """What it met and did, counted since it has been as it is; None for a type that doesn't count."""
        return None

    @abstractmethod
    def stage(self, following: Receiver) -> Stage:
        """A fresh stage for one link."""


@dataclass(frozen=True)
class Toxic:
    """One toxic of one proxy. toxicity: the share of connections that it is applied to, from 0 to 1.

    ttl: seconds after which it is forgotten by itself; Toxiproxy has no such thing.
    """

    name: str
    type: str
    stream: Stream
    toxicity: float
    attributes: Attributes
    ttl: float | None = None

    def stage(self, following: Receiver) -> Stage:
        """This toxic's stage in one link, or one that does nothing when the dice let the connection go."""
        return self.attributes.stage(following) if random.random() < self.toxicity else Stage(following)

    def as_dict(self) -> dict[str, Any]:
        """As the API shows it; `seen` is ours alone, for the types that count."""
        seen = self.attributes.seen
        return {
            "name": self.name,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
            "attributes": self.attributes.model_dump(by_alias=True),
            **({} if self.ttl is None else {"ttl": self.ttl}),
            **({"seen": seen} if seen is not None else {}),
        }
