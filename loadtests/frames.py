"""Frames: what a frame of the chat means to a viewer: the comments in it, and the events that the target file names.

Sans-I/O. A room's frame reaches thousands of viewers of one process with the same bytes, so what was found in the last
few frames is kept and found again by those bytes; and with it, how many have heard it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flashcrowd.codecs import Codec, Decoded, JsonCodec
from loadtests.markers import Marker, markers

_REMEMBERED = 128
_LARGEST_REMEMBERED = 65_536


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something that the target told the room. Fields of its frame are attributes: `sale.sku`."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.fields[name]
        except KeyError:
            known = ", ".join(sorted(self.fields))
            raise AttributeError(f"event {self.name} has no field '{name}'; it has {known}") from None


@dataclass(slots=True, eq=False)
class Sighting:
    """What one frame held, its comments and its events; and how many viewers of which room have `heard` it.

    control: what the codec says is to be done about the connection that the frame came by; None for nearly all.
    """

    comments: tuple[Marker, ...]
    events: tuple[LiveEvent, ...]
    room: str | None = None
    heard: int = 0
    control: Decoded | None = None


Forget = Callable[[Sighting], None]
Inspect = Callable[[bytes, Marker], None]
_NOTHING = Decoded()


class FrameReader:
    """Reads frames by the `events` of a target file: event name → the fields, with values, that its frame has.

    forget: gets a sighting that is no longer remembered, before it is lost. inspect: gets a frame with a comment in it
    that must not be delivered as it was said, once for each such comment. codec: how the target writes frames.
    """

    def __init__(
        self,
        events: Mapping[str, Mapping[str, Any]],
        forget: Forget = lambda _: None,
        inspect: Inspect = lambda _, __: None,
        codec: Codec | None = None,
    ) -> None:
        self._events, self._forget, self._inspect = events, forget, inspect
        self._codec = codec or JsonCodec()
        self._needles = [_needles(wanted) for wanted in events.values()]
        self._remembered: dict[bytes, Sighting] = {}

    def read(self, frame: bytes) -> Sighting:
        """What is in the frame. Whatever the bytes are, nothing is raised: the codec may know others only."""
        return self._remembered.get(frame) or self._read(frame)

    def remembered(self) -> Iterable[Sighting]:
        """The sightings that may be found again."""
        return self._remembered.values()

    def _read(self, frame: bytes) -> Sighting:
        decoded, remembered = self._decoded(frame), self._remembered
        text = frame if decoded.text is None else decoded.text
        sighting = Sighting(markers(text), self._events_in(decoded.fields))
        for marker in sighting.comments:
            if marker.forbidden:
                self._inspect(text, marker)
        if decoded.replies or decoded.ready or decoded.refused is not None:
            sighting.control = decoded
        if len(frame) <= _LARGEST_REMEMBERED:
            remembered[frame] = sighting
            if len(remembered) > _REMEMBERED:
                self._forget(remembered.pop(next(iter(remembered))))
        return sighting

    def _decoded(self, frame: bytes) -> Decoded:
        codec = self._codec
        try:
            if codec.transparent(frame) and not any(
                all(needle in frame for needle in needles) for needles in self._needles
            ):
                return _NOTHING
            return codec.decode(frame)
        except ValueError:
            return _NOTHING

    def _events_in(self, fields: Mapping[str, Any] | None) -> tuple[LiveEvent, ...]:
        if fields is None:
            return ()
        return tuple(
            LiveEvent(name, fields)
            for name, wanted in self._events.items()
            if all(key in fields and fields[key] == value for key, value in wanted.items())
        )


def _needles(wanted: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Bytes that every frame of the event has, so that others need not be parsed: its plain words."""
    words = [value for value in wanted.values() if isinstance(value, str)]
    return tuple(word.encode() for word in words if word.isascii() and word.replace("_", "").isalnum())
