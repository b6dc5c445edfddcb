"""Room: a viewer's place in a room of the chat: connected, lost, connected again, until it leaves.

    entering ─► connected ─► left            a viewer's way through a room; every other way leads to `left` as well
                 │      ▲
            lost ▼      │ connected again
             reconnecting ─► (full-jitter back-off between attempts, without end while the viewer stays)

With a codec that waits, `entering` lasts until the server lets the viewer in, not only until there is a WebSocket.
A room costs a connection and a timer, no greenlet. Frames are understood without being parsed (frames.py); a handler
gets a lane only when an event that it waits for arrives.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flashcrowd.codecs import Decoded
from loadtests.backoff import full_jitter
from loadtests.crowd.errors import ConnectTimeoutError, HandshakeError, ServerClosedError
from loadtests.crowd.timers import Timer
from loadtests.crowd.waiter import Waiter
from loadtests.crowd.websocket import CONNECT, WebSocket
from loadtests.frames import LiveEvent, Sighting
from loadtests.identities import Identity
from loadtests.markers import Marker, mark
from loadtests.report import Request
from loadtests.variables import Values, fill_path, traceparent
from loadtests.witness import Witness

if TYPE_CHECKING:
    from loadtests.live import Live

Handler = Callable[[LiveEvent], Any]
Failed = Callable[[Exception], None]
Wait = Callable[[], float]

BACKOFF = (0.5, 15.0)
"""Seconds of the first and of the longest bound of the wait before another attempt to connect."""


LONGEST_ASKED = 60.0
"""Seconds that a viewer stays away at most because a server asks for it (`Retry-After`)."""


class Room:
    """A viewer's place in a room. Made by `Live.enter`."""

    __slots__ = (
        "_entering", "_failed", "_failures", "_handlers", "_identity", "_left", "_live", "_number", "_part", "_serial",
        "_since", "_socket", "_started", "_state", "_timer", "_witness", "beat_at", "name",
    )  # fmt: skip

    def __init__(self, live: Live, identity: Identity, name: str, failed: Failed) -> None:
        self._live, self._identity, self.name, self._failed = live, identity, name, failed
        self._part, self._serial = live.parts.of(name), live.serial()
        self._witness: Witness | None = None
        self._handlers: tuple[tuple[str, Handler, Wait | None], ...] = ()
        self._socket: WebSocket | None = None
        self._entering: Waiter[None] | None = None
        self._timer: Timer | None = None
        self._state: str | None = None
        self._left, self._number, self._failures, self._since, self._started = False, 0, 0, 0.0, 0.0
        self.beat_at = float("inf")

    def on(self, event: str, handler: Handler, after: Wait | None = None) -> None:
        """Call the handler whenever this event of the target file arrives; it may sleep and order.

        after: gives the seconds that the viewer takes before it acts, as `CrowdUser.reaction`; they count from the
        event's arrival, and cost a timer, where `react` inside of the handler costs a lane.
        """
        if event not in self._live.spec.events:
            raise ValueError(f"the target knows no event '{event}'; add it to spec.live.events")
        self._handlers = (*self._handlers, (event, handler, after))

    def say(self, text: str, forbidden: bool = False) -> None:
        """Send a comment, marked so that its delivery can be timed. One that can't be sent is counted as failed.

        forbidden: it must not be delivered as it is (forbidden.py); whoever gets it looks what is left of it.
        """
        self._number += 1
        now = time.time()
        marker = mark(self._serial, self._number, now, forbidden)
        error: Exception | None = None
        try:
            if self._socket is None or self._state != "connected":
                raise ServerClosedError("not connected")
            self._socket.send(self._live.encode(self._live.spec.say, self._values(text=f"{text} {marker}")))
            self._part.deliveries.said(self.name, Marker(marker.encode(), now))
            self._live.tally.chat.forbidden_said += forbidden
        except OSError as failure:
            error = failure
        self._live.report(Request("WS", "say", None, 0, error))

    def leave(self) -> None:
        """Leave at once, without waiting for anything; handlers that run go on to their end. May be repeated."""
        if not self._left:
            self._left = True
            self._away(None)
            self._stop_timer()
            if self._socket is not None:  # in the loop's own time: thousands may leave together
                self._live.engine.call(self._socket.close)

    def open(self) -> None:
        """Connect; the current lane waits until that has worked."""
        self._move("connecting")
        self._entering = Waiter(self._live.engine)
        try:
            self._connect()
            self._entering.wait()
        except BaseException:
            self.leave()
            raise
        finally:
            self._entering = None

    def heartbeat(self) -> None:
        """Send the heartbeat of the target file. If that fails, `lost` is on its way."""
        beat = self._live.spec.heartbeat
        if self._socket is not None and beat is not None:
            with contextlib.suppress(OSError):
                self._socket.send(self._live.encode(beat.send, self._values()))

    def opened(self, at: float) -> None:
        """As `websocket.Listener`. With a codec that waits, the viewer isn't in before the server says so."""
        if self._left:
            return
        if self._live.codec.waits:
            self._timer = self._live.engine.after(CONNECT, self._not_let_in)
        else:
            self._let_in(at)

    def _let_in(self, at: float) -> None:
        live, beat = self._live, self._live.spec.heartbeat
        name = "connect" if self._state == "connecting" else "reconnect"
        live.report(Request("WS", name, at - self._started, 0, None))
        self._failures, self._since = 0, time.time()
        self._move("connected")
        live.rooms.add(self)
        self._part.joined(self.name, self._since)
        self._witness = live.witnesses.appoint(self.name, self._since)
        if self._number:  # over another connection, nothing keeps its next comments behind those before
            self._serial, self._number = live.serial(), 0
        if beat is not None:
            self.beat_at = time.monotonic() + random.uniform(0.0, beat.every)
        for text in live.spec.on_open:
            assert self._socket is not None
            self._socket.send(live.encode(text, self._values()))
        if self._entering is not None:
            self._entering.set(None)

    def message(self, data: bytes, at: float) -> None:
        """As `websocket.Listener`."""
        if self._left:
            return
        live = self._live
        sighting = live.reader.read(data)
        if sighting.control is not None:
            self._obey(sighting.control, at)
        if sighting.comments:
            self._heard(sighting, at)
        for event in sighting.events:
            for name, handler, after in self._handlers:
                if name != event.name:
                    continue
                if after is None:
                    live.handlers.run(handler, event, self._failed, at)
                else:
                    live.handlers.run_after(after(), handler, event, self._failed, at)

    def stand_in(self) -> None:
        """Become the room's witness, if it has none."""
        if self._witness is None:
            self._witness = self._live.witnesses.appoint(self.name, time.time())

    def _obey(self, control: Decoded, at: float) -> None:
        """Do what a frame asks for. What it refuses is lost, and tried again as any lost connection is."""
        if self._socket is None:
            return
        with contextlib.suppress(OSError):  # if that fails, `lost` is on its way
            for text in control.replies:
                self._socket.send(text)
        if control.ready and self._state != "connected":
            self._stop_timer()
            self._let_in(at)
        if control.refused is not None:
            self._give_up(HandshakeError(control.refused))

    def _not_let_in(self) -> None:
        self._timer = None
        self._give_up(ConnectTimeoutError(f"the server let nobody in within {CONNECT:g} s of the handshake"))

    def _give_up(self, error: Exception) -> None:
        if self._socket is not None:
            self._socket.close()
            self.lost(error)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._live.engine.timers.cancel(self._timer)
            self._timer = None

    def lost(self, error: Exception) -> None:
        """As `websocket.Listener`: the connection, or an attempt at one, has failed; another follows."""
        self._socket = None
        if self._left:
            return
        self._stop_timer()
        if self._state == "connected":
            self._live.tally.presence.drops += 1
            self._away("reconnecting")
        else:
            name = "connect" if self._state == "connecting" else "reconnect"
            self._live.report(Request("WS", name, time.time() - self._started, 0, error))
        self._failures += 1
        self._timer = self._live.engine.after(self._pause(error), self._try_again)

    def _pause(self, error: Exception) -> float:
        """Seconds until the next attempt: what the server asked for, spread over the next second, or full jitter."""
        asked = error.retry_after if isinstance(error, HandshakeError) else None
        if asked is None:
            return full_jitter(self._failures, *BACKOFF)
        return min(asked, LONGEST_ASKED) + random.random()

    def _heard(self, sighting: Sighting, at: float) -> None:
        """Count a frame's comments, which arrived at that time. Those from before the viewer came are no deliveries."""
        comments, since = sighting.comments, self._since
        if since <= comments[0].sent:
            if sighting.room is None:
                sighting.room = self.name
            sighting.heard += sighting.room == self.name
        delivered = self._part.delivered
        for _, sent in comments:
            if sent >= since:
                delivered(at - sent)
        if self._witness is not None:
            self._witness.see(comments)

    def _try_again(self) -> None:
        self._timer = None
        self._live.engine.lend(self._connect)

    def _connect(self) -> None:
        """In a lane, because the host may have to be looked up."""
        if self._left:
            return
        live, values = self._live, self._values(traceparent=traceparent())
        headers = live.variables.headers(live.spec.headers, values)
        url = live.codec.url(fill_path(live.spec.url, values))
        self._started = time.time()
        try:
            addresses = live.addresses(url, again=self._failures > 0)
        except OSError as error:
            self.lost(error)
            return
        if not self._left:
            self._socket = WebSocket(live.engine, url, addresses, headers, self)

    def _away(self, state: str | None) -> None:
        if self._state == "connected":
            self._live.rooms.discard(self)
            self._part.left(self.name, self._since)
            if self._witness is not None:
                self._witness = None
                self._live.witnesses.resign(self.name)
        self._move(state)

    def _move(self, state: str | None) -> None:
        """Count the viewer in another state; None is outside of any room."""
        for old, step in ((self._state, -1), (state, 1)):
            if old is not None:
                self._live.tally.viewers[old] += step
        self._state = state

    def _values(self, **more: str) -> Values:
        return self._live.variables.of(self._identity, room=self.name, **more)
