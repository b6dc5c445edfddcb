"""Rooms: the one of the head streamer, and the many small ones beside it, which nobody sees in an average over all.

A platform that is tuned for the head room may starve the small ones: so what is counted of rooms is counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

RoomKind = Literal["head", "small"]
KINDS: tuple[RoomKind, ...] = ("head", "small")

HEAD = "main"
"""The head room's name, where the rooms are given by their number."""


def room_names(count: int) -> tuple[str, ...]:
    """Names for so many rooms, from 1, the most popular first."""
    return (HEAD, *(f"room-{number}" for number in range(2, count + 1)))


def room_kind(room: str, rooms: Sequence[str]) -> RoomKind:
    """Whether it is the head room: the first. A room that is none of the load's is small."""
    return "head" if room == rooms[0] else "small"
