"""Marker: what a comment carries so that any viewer, in any worker, can tell how long it took to arrive.

`~1z4.c.6449f0e2c1a80~` is sender `1z4`, its comment number `c` (both base 36) and the send time in microseconds of
unix time (hexadecimal). `~1z4.d.6449f0e2c1b00.f~` is a comment that must not be delivered as it was said. A marker is
ASCII without a character that JSON escapes, so it is found in the raw bytes of a frame without parsing it, however many
comments a frame holds. Sender and receiver must share a clock: one machine does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_MARKER = re.compile(rb"~[0-9a-z]{1,13}\.[0-9a-z]{1,13}\.([0-9a-f]{1,14})(?:\.f)?~")
_FORBIDDEN = ".f"


class Marker(NamedTuple):
    """A marker that was found: itself, which no other comment has, and its send time in unix seconds."""

    text: bytes
    sent: float

    @property
    def forbidden(self) -> bool:
        """Whether the comment was said to see it filtered."""
        return self.text.endswith(b".f~")

    @property
    def origin(self) -> tuple[int, int]:
        """The sender and its comment's number."""
        sender, number, _ = self.text[1:].split(b".", 2)
        return int(sender, 36), int(number, 36)


def mark(sender: int, number: int, at: float, forbidden: bool = False) -> str:
    """The marker of a sender's comment. `at`: unix seconds."""
    return f"~{base36(sender)}.{base36(number)}.{round(at * 1e6):x}{_FORBIDDEN if forbidden else ''}~"


def markers(frame: bytes) -> tuple[Marker, ...]:
    """The markers in a frame, in its order."""
    return tuple(Marker(found[0], int(found[1], 16) / 1e6) for found in _MARKER.finditer(frame))


def base36(number: int) -> str:
    """A number from 0 in the digits 0-9 and a-z."""
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if not number:
            return text
