"""Deliveries: which comments reached whom, and which ought to have and didn't, without the server's help.

A comment that at least one viewer of this process heard went out to the room. So everybody who was in the room, in this
process, from a second before it was sent until ten seconds after, ought to have heard it: those who didn't, lost it.
That is a lower bound, which is exact while nobody comes or goes; whoever was there for a part only is not expected.

A comment which nobody here heard, its sender included, was *withheld*: by moderation, slow mode or sampling, on
purpose, or it was lost before it reached the room. From here these look the same, so it is counted apart.

Sans-I/O. Each process judges its own viewers, so the counts of several add up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from loadtests.frames import Sighting
from loadtests.markers import Marker

HORIZON = 10.0
"""Seconds after which a comment that hasn't come is lost: ten times the chat's objective."""

_AHEAD = 1.0


@dataclass(slots=True)
class _Comment:
    sent: float
    room: str
    heard: int = 0
    ours: bool = False


class _Room:
    """Who is in a room, by the second since when; those who came long ago are one number."""

    def __init__(self) -> None:
        self._recent, self._old, self._merged = Counter[int](), 0, 0

    def change(self, since: float, step: int) -> None:
        if int(since) < self._merged:
            self._old += step
        else:
            self._recent[int(since)] += step

    def since(self, moment: float) -> int:
        """How many of those who are here have been since before that moment."""
        return self._old + sum(count for second, count in self._recent.items() if second + 1 <= moment)

    def merge(self, before: float) -> None:
        self._merged = max(self._merged, int(before))
        for second in [second for second in self._recent if second < self._merged]:
            self._old += self._recent.pop(second)


class Deliveries:
    """The comments of the last seconds, and the verdict on the older ones: `lost` and `withheld`."""

    def __init__(self) -> None:
        self.lost = self.withheld = 0
        self._judged = 0.0
        self._rooms: dict[str, _Room] = {}
        self._comments: dict[bytes, _Comment] = {}

    def joined(self, room: str, since: float) -> None:
        """A viewer is in the room from this moment on (unix seconds)."""
        self._rooms.setdefault(room, _Room()).change(since, 1)

    def left(self, room: str, since: float) -> None:
        """One who had been there since then is gone."""
        self._rooms[room].change(since, -1)

    def said(self, room: str, marker: Marker) -> None:
        """A viewer of this process sent a comment."""
        self._comment(marker, room).ours = True

    def fold(self, sighting: Sighting) -> None:
        """Count those who heard a frame towards its comments."""
        heard, sighting.heard = sighting.heard, 0
        if heard and sighting.room is not None:
            for marker in sighting.comments:
                if marker.sent + HORIZON > self._judged:  # else it came after it had been given up
                    self._comment(marker, sighting.room).heard += heard

    def judge(self, now: float, trusted: bool = True) -> None:
        """Judge the comments that are older than the horizon. Not `trusted`: we were too late ourselves to say."""
        self._judged = now
        for text in [text for text, comment in self._comments.items() if comment.sent + HORIZON <= now]:
            comment = self._comments.pop(text)
            if trusted and comment.room in self._rooms:
                expected = self._rooms[comment.room].since(comment.sent - _AHEAD)
                if comment.heard:
                    self.lost += max(0, expected - comment.heard)
                elif comment.ours and expected:
                    self.withheld += 1
        for room in self._rooms.values():
            room.merge(now - 2 * HORIZON)

    def _comment(self, marker: Marker, room: str) -> _Comment:
        comment = self._comments.get(marker.text)
        if comment is None:
            comment = self._comments[marker.text] = _Comment(marker.sent, room)
        return comment
