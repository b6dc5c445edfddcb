"""Live: the chat of a target as its `live` block describes it. Viewers enter rooms, hear events, and say things.

    entering ─► connected ─► left            a viewer's way through a room; every other way leads to `left` as well
                 │      ▲
            lost ▼      │ connected again
             reconnecting ─► (full-jitter back-off between attempts, without end while the viewer stays)

A room costs one greenlet, which reads. Frames are understood without being parsed (frames.py); a handler gets a
greenlet of its own, and only when an event that it waits for arrives.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import gevent  # type: ignore[import-untyped]
from gevent.pool import Group  # type: ignore[import-untyped]

from flashcrowd.target import Live as LiveSpec
from loadtests.backoff import full_jitter
from loadtests.frames import FrameReader, LiveEvent
from loadtests.identities import Identity
from loadtests.markers import mark
from loadtests.metrics import Tally
from loadtests.report import Report, Request
from loadtests.variables import Values, Variables, fill_json, fill_path, traceparent
from loadtests.websocket import ConnectionLostError, InvalidHandshake, WebSocket

Handler = Callable[[LiveEvent], Any]
Failed = Callable[[Exception], None]

SPREAD = 1.0
"""Seconds over which viewers connect who were started together: Locust starts a second's worth at one instant."""

BACKOFF = (0.5, 15.0)
"""Seconds of the first and of the longest bound of the wait before another attempt to connect."""


class Live:
    """The chat protocol of a target, for all viewers of this process.

    rooms: where viewers go who choose no room. serials: numbers for the senders of comments, unique in the whole run.
    """

    def __init__(
        self,
        spec: LiveSpec,
        variables: Variables,
        tally: Tally,
        report: Report,
        rooms: Sequence[str],
        serials: count[int],
    ) -> None:
        self.spec, self.variables, self.tally, self.report = spec, variables, tally, report
        self.reader = FrameReader(spec.events)
        self.handlers = Group()
        self.rooms = set[Room]()
        self._names, self._serials = rooms, serials

    def enter(self, identity: Identity, room: str | None = None, failed: Failed | None = None) -> Room:
        """Connect, however many attempts it takes, and give the room. `failed` hears of exceptions in handlers."""
        name = room if room is not None else random.choice(self._names)
        entered = Room(self, identity, name, next(self._serials), failed or _ignore)
        gevent.sleep(random.uniform(0.0, SPREAD))
        entered.open()
        return entered

    def beat(self) -> None:
        """Send the heartbeats that are due; called once a second. A stalled connection holds up nobody else."""
        now = time.monotonic()
        for room in [room for room in self.rooms if room.beat_at <= now]:
            room.beat_at = now + (self.spec.heartbeat.every if self.spec.heartbeat else float("inf"))
            gevent.spawn(room.heartbeat)

    def drain(self, grace: float) -> None:
        """Let running handlers end for so many seconds, then end them."""
        self.handlers.join(timeout=grace)
        self.handlers.kill(timeout=1.0)

    def delivered(self, sent: tuple[float, ...], since: float, now: float) -> None:
        """Count comments that arrived now. Those from before the viewer came are the room's memory, not deliveries."""
        observe = self.tally.delivery.observe
        for at in sent:
            if at >= since:
                observe(max(0.0, now - at))


class Room:
    """A viewer's place in a room. Made by `Live.enter`."""

    __slots__ = (
        "_failed", "_greenlet", "_handlers", "_identity", "_left", "_live", "_number", "_serial", "_since",
        "_socket", "_state", "beat_at", "name",
    )  # fmt: skip

    def __init__(self, live: Live, identity: Identity, name: str, serial: int, failed: Failed) -> None:
        self._live, self._identity, self.name, self._serial, self._failed = live, identity, name, serial, failed
        self._handlers: dict[str, list[Handler]] = {}
        self._socket: WebSocket | None = None
        self._greenlet: gevent.Greenlet | None = None
        self._state: str | None = None
        self._left, self._number, self._since = False, 0, 0.0
        self.beat_at = float("inf")

    def on(self, event: str, handler: Handler) -> None:
        """Call the handler whenever this event of the target file arrives; it may sleep and order."""
        if event not in self._live.spec.events:
            raise ValueError(f"the target knows no event '{event}'; add it to spec.live.events")
        self._handlers.setdefault(event, []).append(handler)

    def say(self, text: str) -> None:
        """Send a comment, marked so that its delivery can be timed. One that can't be sent is counted as failed."""
        self._number += 1
        marked = f"{text} {mark(self._serial, self._number, time.time())}"
        error: Exception | None = None
        try:
            if self._socket is None:
                raise ConnectionLostError("not connected")
            self._socket.send(fill_json(self._live.spec.say, self._values(text=marked)))
        except ConnectionLostError as lost:
            error = lost
        self._live.report(Request("WS", "say", None, 0, error))

    def leave(self) -> None:
        """Leave at once, without waiting for anything; handlers that run go on to their end. May be repeated."""
        if not self._left:
            self._left = True
            self._move(None)
            self._live.rooms.discard(self)
            if self._greenlet is not None:
                self._greenlet.kill(block=False)
            if self._socket is not None:
                self._socket.close()

    def open(self) -> None:
        """Connect in the caller's greenlet, and start reading in another one."""
        self._connect_until_done("connecting", "connect")
        self._live.rooms.add(self)
        self._greenlet = gevent.spawn(self._stay)

    def heartbeat(self) -> None:
        beat = self._live.spec.heartbeat
        if self._socket is not None and beat is not None:
            with contextlib.suppress(ConnectionLostError):  # the reader learns of it too, and reconnects
                self._socket.send(fill_json(beat.send, self._values()))

    def _stay(self) -> None:
        while not self._left:
            self._read()
            self._connect_until_done("reconnecting", "reconnect")

    def _read(self) -> None:
        """Hear everything until the connection is lost."""
        socket, read, live = self._socket, self._live.reader.read, self._live
        assert socket is not None
        try:
            while True:
                for frame in socket.receive():
                    sighting = read(frame)
                    if sighting.sent:
                        live.delivered(sighting.sent, self._since, time.time())
                    for event in sighting.events:
                        self._hear(event)
        except ConnectionLostError:
            self._socket = None
            socket.close()

    def _hear(self, event: LiveEvent) -> None:
        for handler in self._handlers.get(event.name, ()):
            self._live.handlers.spawn(self._handle, handler, event)

    def _handle(self, handler: Handler, event: LiveEvent) -> None:
        try:
            handler(event)
        except Exception as error:
            self._failed(error)

    def _connect_until_done(self, state: str, name: str) -> None:
        failures = 0
        self._move(state)
        try:
            while not self._left and not self._connect(name):
                failures += 1
                gevent.sleep(full_jitter(failures, *BACKOFF))
        except BaseException:
            self.leave()
            raise

    def _connect(self, name: str) -> bool:
        values = self._values(traceparent=traceparent())
        headers = self._live.variables.headers(self._live.spec.headers, values)
        url = fill_path(self._live.spec.url, values)
        started, error = time.perf_counter(), None
        try:
            self._socket = WebSocket(url, headers)
            self._since = time.time()
            for text in self._live.spec.on_open:
                self._socket.send(fill_json(text, values))
        except (OSError, InvalidHandshake) as failure:
            error, self._socket = failure, None
        self._live.report(Request("WS", name, time.perf_counter() - started, 0, error))
        if error is None:
            self._move("connected")
            if self._live.spec.heartbeat is not None:
                self.beat_at = time.monotonic() + random.uniform(0.0, self._live.spec.heartbeat.every)
        return error is None

    def _move(self, state: str | None) -> None:
        """Count the viewer in another state; None is outside of any room."""
        for old, step in ((self._state, -1), (state, 1)):
            if old is not None:
                self._live.tally.viewers[old] += step
        self._state = state

    def _values(self, **more: str) -> Values:
        return self._live.variables.of(self._identity, room=self.name, **more)


def _ignore(error: Exception) -> None:
    """Nobody asked to hear of it."""
