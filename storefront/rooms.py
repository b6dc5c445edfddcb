"""Rooms: who watches what, and the frames sent to them."""

import json
from collections import deque
from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram
from websockets.asyncio.server import ServerConnection, broadcast

SENT = Counter("live_frames_sent_total", "Frames sent to viewers by broadcasts")
DROPPED = Counter("live_dropped_viewers_total", "Viewers dropped because they read too slowly")
BROADCAST = Histogram(
    "live_broadcast_seconds",
    "Time to hand one frame to all viewers of a room",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
SKIPPED = Counter("live_skipped_comments_total", "Comments that gave way to newer ones: more than may wait")
WAITING = Gauge("live_waiting_comments", "Comments of all rooms that wait for a frame")
COMMENTS = 500  # in one frame
WAIT = 10 * COMMENTS  # comments that may wait
BUFFER = 256 * 1024  # bytes a viewer may leave unread before it is dropped


class Room:
    """Viewers of one room in this process, and the comments they have yet to get, each a JSON object."""

    def __init__(self) -> None:
        self.viewers: set[ServerConnection] = set()
        self.comments = deque[bytes](maxlen=WAIT)

    def say(self, body: bytes) -> None:
        """Let a comment wait for its frame; one too many makes the oldest give way."""
        if len(self.comments) == self.comments.maxlen:
            SKIPPED.inc()
        self.comments.append(body)

    def flush(self) -> None:
        """Send the comments that have waited longest as one frame, serialised once."""
        if self.comments:
            first = [self.comments.popleft() for _ in range(min(COMMENTS, len(self.comments)))]
            send(self.viewers, b'{"type":"chat","messages":[' + b",".join(first) + b"]}")


class Rooms:
    """The rooms with viewers in this process."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def join(self, name: str, viewer: ServerConnection) -> None:
        self._rooms.setdefault(name, Room()).viewers.add(viewer)

    def leave(self, name: str, viewer: ServerConnection) -> None:
        room = self._rooms.get(name)
        if room is None:
            return
        room.viewers.discard(viewer)
        if not room.viewers:
            del self._rooms[name]

    def has(self, name: str, viewer: ServerConnection) -> bool:
        return name in self._rooms and viewer in self._rooms[name].viewers

    def viewers(self, name: str) -> int:
        """How many viewers of this process are in the room."""
        return len(self._rooms[name].viewers) if name in self._rooms else 0

    def hear(self, topic: str, body: bytes) -> None:
        """Take a message off the bus: `chat/ROOM`, `event/ROOM`, or `event/*` for all rooms."""
        kind, _, name = topic.partition("/")
        if kind == "event":
            for room in list(self._rooms.values()) if name == "*" else self._named(name):
                send(room.viewers, body)
        else:
            for room in self._named(name):
                room.say(body)

    def flush(self) -> None:
        for room in self._rooms.values():
            room.flush()
        WAITING.set(sum(len(room.comments) for room in self._rooms.values()))

    def _named(self, name: str) -> list[Room]:
        return [self._rooms[name]] if name in self._rooms else []


def comment(user: str, said: str) -> bytes:
    """A comment as it travels; the text verbatim but for JSON's own escapes."""
    return json.dumps({"user": user, "text": said}, ensure_ascii=False, separators=(",", ":")).encode()


def send(viewers: Iterable[ServerConnection], frame: bytes) -> None:
    """Hand one text frame to the viewers. Nobody is waited for: who reads too slowly is dropped."""
    with BROADCAST.time():
        reading = [viewer for viewer in viewers if _reads(viewer)]
        broadcast(reading, frame, text=True)
    SENT.inc(len(reading))


def _reads(viewer: ServerConnection) -> bool:
    if viewer.transport.get_write_buffer_size() <= BUFFER:
        return True
    if not viewer.transport.is_closing():
        DROPPED.inc()
        viewer.transport.abort()
    return False
