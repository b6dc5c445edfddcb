"""Codec: what stands between the frames of a target file and those on the wire. Sans-I/O: texts and bytes alone.

One instance serves all viewers of a process, so it keeps nothing of a single connection. What is to be done about a
frame is in its `Decoded`: the same bytes mean the same to every viewer, are decoded once, and found again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a received frame is.

    fields: by which the `events` of the target file recognise it; None if it has none. text: the bytes in which the
    markers of comments are looked for, where those of the frame won't do. replies: frames to send back at once, by the
    connection that this one came by. ready: the server has let the viewer in (`Codec.waits`). refused: why it throws
    the viewer out, and the connection is to be given up.
    """

    fields: Mapping[str, Any] | None = None
    text: bytes | None = None
    replies: tuple[str, ...] = ()
    ready: bool = False
    refused: str | None = None


class Codec(ABC):
    """How a chat writes and reads. Only `encode` and `decode` must be given; they may raise ValueError.

    waits: a viewer is in its room once a frame is `ready`; without it, as soon as there is a WebSocket.
    """

    waits: bool = False

    @abstractmethod
    def encode(self, text: str) -> str:
        """A frame of the target file (`say`, `on_open`, `heartbeat.send`), filled, as it goes over the wire."""

    @abstractmethod
    def decode(self, frame: bytes) -> Decoded:
        """What a frame of the server is. One that raises ValueError is none of ours, and is passed over."""

    def transparent(self, frame: bytes) -> bool:
        """Whether the words in the frame's fields stand in its bytes as they are.

        Then it is decoded only if it has the words of an event, which saves nearly all decoding.
        """
        return False

    def url(self, url: str) -> str:
        """The address to connect to, for the one that the target file gives."""
        return url

    def fault(self, text: str) -> str | None:
        """What is wrong with a frame of the target file, its variables being "0"; None if it is fine."""
        return None
