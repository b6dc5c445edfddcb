"""Parts: the crowd in rooms of one kind, the head room or the small ones."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.deliveries import Deliveries
from loadtests.frames import Sighting
from loadtests.people import Popularity
from loadtests.room_tally import RoomTally
from loadtests.rooms import RoomKind, room_kind


class Part:
    """What is counted of rooms of one kind, and who of them should hear what."""

    __slots__ = ("delivered", "deliveries", "tally")

    def __init__(self, tally: RoomTally) -> None:
        self.tally, self.deliveries = tally, Deliveries()
        self.delivered = tally.delivered

    def joined(self, room: str, since: float) -> None:
        """A viewer is in a room from this moment on (unix seconds)."""
        self.deliveries.joined(room, since)
        self.tally.entered()

    def left(self, room: str, since: float) -> None:
        """One who had been there since then is gone."""
        self.deliveries.left(room, since)
        self.tally.left()

    def judge(self, now: float, trusted: bool) -> None:
        """As `Deliveries.judge`."""
        self.deliveries.judge(now, trusted)
        self.tally.lost, self.tally.withheld = self.deliveries.lost, self.deliveries.withheld


class Parts:
    """All rooms of this process. rooms: their names, the most popular first."""

    def __init__(self, tallies: dict[RoomKind, RoomTally], rooms: Sequence[str]) -> None:
        self._parts = {kind: Part(tally) for kind, tally in tallies.items()}
        self._popularity = Popularity(rooms)

    def of(self, room: str) -> Part:
        """That of the room's kind."""
        return self._parts[room_kind(room, self._popularity.names)]

    def draw(self, chance: float | None = None) -> str:
        """A room, by chance and popularity; as of `Popularity.draw`."""
        return self._popularity.draw(chance)

    def fold(self, sighting: Sighting) -> None:
        """As `Deliveries.fold`."""
        if sighting.room is not None:
            self.of(sighting.room).deliveries.fold(sighting)

    def judge(self, now: float, trusted: bool) -> None:
        for part in self._parts.values():
            part.judge(now, trusted)
