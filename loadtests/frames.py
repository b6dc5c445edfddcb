"""Frames: what a frame of the chat means to a viewer: the comments in it, and the events that the target file names.

Sans-I/O. A room's frame reaches thousands of viewers of one process with the same bytes, so what was found in the last
few frames is kept and found again by those bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from loadtests.markers import sent_times

_REMEMBERED = 128
_LARGEST_REMEMBERED = 16_384


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


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one frame held: when its comments were sent (unix seconds), and its events."""

    sent: tuple[float, ...]
    events: tuple[LiveEvent, ...]


class FrameReader:
    """Reads frames by the `events` of a target file: event name → the fields, with values, that its frame has."""

    def __init__(self, events: Mapping[str, Mapping[str, Any]]) -> None:
        self._events = events
        self._needles = [_needles(wanted) for wanted in events.values()]
        self._remembering = lru_cache(maxsize=_REMEMBERED)(self._read)

    def read(self, frame: bytes) -> Sighting:
        """What is in the frame. Whatever the bytes are, nothing is raised: not every frame is JSON."""
        return self._remembering(frame) if len(frame) <= _LARGEST_REMEMBERED else self._read(frame)

    def _read(self, frame: bytes) -> Sighting:
        return Sighting(sent_times(frame), self._events_in(frame))

    def _events_in(self, frame: bytes) -> tuple[LiveEvent, ...]:
        if not any(all(needle in frame for needle in needles) for needles in self._needles):
            return ()
        try:
            fields = json.loads(frame)
        except (ValueError, RecursionError):
            return ()
        if not isinstance(fields, dict):
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
