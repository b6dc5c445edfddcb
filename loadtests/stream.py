"""Stream: the picture of a target, HLS as its `stream` block describes it, as each viewer's player gets it.

What a player does is in hls/player.py; here are its requests. Between two of them a viewer who watches is a timer: a
lane is lent to what is to be fetched now, one thing after the other, and given back. Segments are counted and thrown
away as they come.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from flashcrowd.errors import GuardError
from flashcrowd.guard import Guard
from flashcrowd.target import Stream as StreamSpec
from loadtests.crowd.answer import Answer
from loadtests.crowd.engine import Engine
from loadtests.crowd.http import MOST, HttpClient
from loadtests.crowd.timers import Timer
from loadtests.hls.player import Fetch, Player
from loadtests.hls.playlist import PlaylistReader
from loadtests.identities import Identity
from loadtests.metrics import Tally
from loadtests.people import Popularity
from loadtests.report import Report, Request
from loadtests.shop import ServerError
from loadtests.variables import Variables, fill_path, traceparent

_LOGGER = logging.getLogger(__name__)

SPREAD = 1.0
"""Seconds over which players begin that are started together: Locust starts a second's worth of viewers at once."""

TIMEOUT = 10.0
"""Seconds for a playlist or a segment: hls.js' levelLoadingTimeOut. (It gives a segment 20; by then a live player has
long stalled.)"""


class Stream:
    """The picture of a target, for all viewers of this process.

    guard: asked for each server that playlists lead to. rooms: those of viewers who choose none.
    """

    def __init__(
        self,
        engine: Engine,
        spec: StreamSpec,
        variables: Variables,
        tally: Tally,
        report: Report,
        rooms: Sequence[str],
        guard: Guard,
        most: int = MOST,
    ) -> None:
        self.engine, self.tally, self.report, self.reader = engine, tally, report, PlaylistReader()
        self._spec, self._variables, self._guard, self._most = spec, variables, guard, most
        self.popularity = Popularity(rooms)
        self._clients: dict[tuple[str, str], HttpClient] = {}
        self._refused: dict[str, GuardError] = {}
        self.watching = set[Watching]()

    def watch(self, identity: Identity, room: str | None = None) -> Watching:
        """Begin to watch a room, one of the run's rooms by chance if none is named."""
        name = room if room is not None else self.popularity.draw()
        return Watching(self, identity, name)

    def second(self) -> None:
        """Account for stalls that go on, while their players wait for answers; called once a second.

        Up to a second ago, as what has arrived since may not have been read yet.
        """
        now = time.time() - 1.0
        for watching in self.watching:
            watching.advance(now)

    def url(self, identity: Identity, room: str) -> str:
        """Of a room's playlist."""
        return fill_path(self._spec.playlist, self._variables.of(identity, room=room))

    def get(self, identity: Identity, room: str, fetch: Fetch) -> Answer:
        """Fetch, in a lane. Raises OSError without an answer, GuardError for a server that may not be touched."""
        parts = urlsplit(fetch.url)
        values = self._variables.of(identity, room=room, traceparent=traceparent())
        headers = self._variables.headers(self._spec.headers, values)
        if fetch.segment is not None and fetch.segment.span:
            headers["Range"] = fetch.segment.span
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        client = self._client(parts.scheme, parts.netloc)
        return client.request("GET", path, headers, discard=fetch.segment is not None)

    def _client(self, scheme: str, server: str) -> HttpClient:
        client = self._clients.get((scheme, server))
        if client is None:
            self._check(scheme, server)
            client = HttpClient(self.engine, f"{scheme}://{server}", timeout=TIMEOUT, most=self._most)
            self._clients[scheme, server] = client
        return client

    def _check(self, scheme: str, server: str) -> None:
        """Ask the guard, once for each server, and log its refusal: a playlist is no file that somebody could mend."""
        refused = self._refused.get(server)
        if refused is None:
            try:
                self._guard.check_url(f"{scheme}://{server}", "a playlist of the stream")
                return
            except GuardError as error:
                refused = self._refused[server] = error
                _LOGGER.warning("%s", error)
        raise refused


class Watching:
    """A viewer's player. Made by `Stream.watch`; goes on until `stop`."""

    __slots__ = ("_identity", "_player", "_stopped", "_stream", "_timer", "room")

    def __init__(self, stream: Stream, identity: Identity, room: str) -> None:
        self._stream, self._identity, self.room = stream, identity, room
        self._player: Player | None = None
        self._stopped = False
        self._timer: Timer | None = stream.engine.after(random.uniform(0.0, SPREAD), self._wake)

    def stop(self) -> None:
        """Watch no longer, at once; what is being fetched comes to nothing. May be repeated."""
        if self._stopped:
            return
        self._stopped = True
        self._stream.watching.discard(self)
        self.advance(time.time())
        if self._timer is not None:
            self._stream.engine.timers.cancel(self._timer)
            self._timer = None

    def advance(self, now: float) -> None:
        """Account for the time up to now (unix seconds)."""
        if self._player is not None:
            self._player.buffer.advance(now)

    def _wake(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            self._stream.engine.lend(self._go_on, timer[0])

    def _go_on(self) -> None:
        """In a lane: fetch what there is to fetch now, then wait until there is more."""
        while not self._stopped:
            if self._player is None:
                url = self._stream.url(self._identity, self.room)
                self._player = Player(url, self._stream.tally.playback, time.time())
                self._stream.watching.add(self)
            wanted = self._player.next(time.time())
            if not isinstance(wanted, Fetch):
                self._park(wanted)
                return
            self._fetch(self._player, wanted)

    def _park(self, until: float) -> None:
        if until < math.inf:
            self._timer = self._stream.engine.after(max(0.0, until - time.time()), self._wake)

    def _fetch(self, player: Player, fetch: Fetch) -> None:
        asked, answer = time.time(), None
        error: Exception | None = None
        try:
            answer = self._stream.get(self._identity, self.room, fetch)
            if answer.status not in (200, 206):
                error = ServerError(f"status {answer.status}")
            elif not self._stopped:
                self._take(player, fetch, answer)
        except (OSError, ValueError, GuardError) as failure:
            error = failure
        self._tell(fetch, answer, asked, error)
        if error is not None and not self._stopped:
            now = time.time()
            player.failed(fetch, now - asked, now)

    def _take(self, player: Player, fetch: Fetch, answer: Answer) -> None:
        """Give it to the player. A segment counts from its arrival in the kernel: what we are late isn't its fault.

        Raises:
            PlaylistError: it is no playlist, or not the one that was wanted.
        """
        if fetch.segment is not None:
            player.fed(fetch, answer.size, answer.service, answer.arrived)
        else:
            player.loaded(fetch, self._stream.reader.read(answer.body), answer.asked)

    def _tell(self, fetch: Fetch, answer: Answer | None, asked: float, error: Exception | None) -> None:
        name = "playlist" if fetch.segment is None else "segment"
        if answer is None:
            self._stream.report(Request("GET", name, time.time() - asked, 0, error))
        else:
            self._stream.report(Request("GET", name, answer.response, answer.size, error, answer.service))
