"""Renditions: the picture in three qualities, cut into segments that are numbered by the clock.

Segment n holds the second from unix time n to n + 1 and is complete at its end; so every origin cuts the same
segments, and one can take the place of another. Sizes and bit rates are three of Apple's ladder (HLS authoring
specification for Apple devices, table 2.1); the content is MPEG-TS null packets.
"""

import time
from dataclasses import dataclass

SECONDS = 1  # in a segment
PACKET = b"\x47\x1f\xff\x10" + b"\xff" * 184  # ISO/IEC 13818-1, 2.4.3: the PID 0x1fff is stuffing


@dataclass(frozen=True, slots=True)
class Rendition:
    """One quality; `rate` in bits per second."""

    name: str
    rate: int
    width: int
    height: int

    def segment(self) -> bytes:
        """The bytes of any of its segments."""
        return PACKET * round(self.rate * SECONDS / 8 / len(PACKET))


RENDITIONS = (
    Rendition("low", 365_000, 640, 360),
    Rendition("medium", 1_100_000, 768, 432),
    Rendition("high", 3_000_000, 1280, 720),
)


def newest() -> int:
    """The number of the last segment that is complete."""
    return int(time.time() / SECONDS) - 1
