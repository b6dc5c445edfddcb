"""Witness: the viewer of a process and room through whose eyes the order of comments is judged.

    vacant ─► appointed (a viewer who is connected) ─► vacant when it leaves or is cut off

Comments of one sender must arrive in the order sent. All viewers see them in some order, so one of them is enough, and
checking all would make a frame that thousands receive cost thousands of times as much. Two live processes may cut the
same comments into different frames, so what one witness has seen says nothing of another one's frames: a new witness
starts anew, and so does a sender that has reconnected, which is a new sender. Gaps are no fault: slow mode, sampling
and moderation leave comments out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from loadtests.chat_tally import ChatTally
from loadtests.markers import Marker


class Witness:
    """One connection to a room. since: unix seconds of its beginning; what was said before is no evidence."""

    __slots__ = ("_latest", "_room", "_since", "_tally")

    def __init__(self, room: str, since: float, tally: ChatTally) -> None:
        self._room, self._since, self._tally = room, since, tally
        self._latest: dict[int, int] = {}

    def see(self, comments: Iterable[Marker]) -> None:
        """The comments of the next frame, in its order."""
        latest, tally = self._latest, self._tally
        for marker in comments:
            if marker.sent < self._since:
                continue
            sender, number = marker.origin
            before = latest.get(sender, 0)
            tally.order_checked += 1
            if number >= before:
                latest[sender] = number
            else:
                tally.out_of_order(self._room, marker, before)


class StandIn(Protocol):
    """A connected viewer."""

    def stand_in(self) -> None:
        """Ask to be the witness of the room, unless it is one."""


class Witnesses:
    """The rooms of a process and whether each has its witness."""

    def __init__(self, tally: ChatTally) -> None:
        self._tally = tally
        self._present = set[str]()
        self.vacant = set[str]()

    def appoint(self, room: str, since: float) -> Witness | None:
        """A witness for the room, if it has none; the viewer asks who has come."""
        if room in self._present:
            return None
        self._present.add(room)
        self.vacant.discard(room)
        return Witness(room, since, self._tally)

    def resign(self, room: str) -> None:
        """The room's witness is gone."""
        self._present.discard(room)
        self.vacant.add(room)

    def fill(self, viewers: Iterable[StandIn]) -> None:
        """Let viewers who are connected stand in where there is no witness. Where nobody is left, the next to come will
        be it."""
        if self.vacant:
            for viewer in viewers:
                viewer.stand_in()
            self.vacant.clear()
