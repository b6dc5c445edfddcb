"""Live: the chat of a target as its `live` block describes it, for all viewers of a process; each enters a Room."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from itertools import count
from urllib.parse import urlsplit

from flashcrowd import codecs
from flashcrowd.target import Live as LiveSpec
from loadtests.crowd.addresses import Address
from loadtests.crowd.engine import Engine
from loadtests.frames import FrameReader
from loadtests.handlers import Handlers
from loadtests.identities import Identity
from loadtests.metrics import Tally
from loadtests.parts import Parts
from loadtests.report import Report
from loadtests.room import Failed, Room
from loadtests.variables import Variables, fill_json
from loadtests.witness import Witnesses

SPREAD = 1.0
"""Seconds over which viewers connect who were started together: Locust starts a second's worth at one instant."""


class Live:
    """The chat protocol of a target, for all viewers of this process.

    rooms: where viewers go who choose no room, the most popular first. serials: numbers for the senders of comments,
    unique in the whole run.
    """

    def __init__(
        self,
        engine: Engine,
        spec: LiveSpec,
        variables: Variables,
        tally: Tally,
        report: Report,
        rooms: Sequence[str],
        serials: count[int],
    ) -> None:
        self.engine, self.spec, self.variables, self.tally, self.report = engine, spec, variables, tally, report
        self.parts = Parts(tally.rooms, rooms)
        self.witnesses = Witnesses(tally.chat)
        self.codec = codecs.load(spec.codec)
        self.reader = FrameReader(spec.events, self.parts.fold, tally.chat.inspect, self.codec)
        self.handlers = Handlers(engine, tally.rush_lag)
        self.rooms = set[Room]()
        self._serials = serials
        self._addresses: dict[str, list[Address]] = {}

    def enter(self, identity: Identity, room: str | None = None, failed: Failed | None = None) -> Room:
        """Connect, however many attempts it takes, and give the room. `failed` hears of exceptions in handlers."""
        name = room if room is not None else self.parts.draw()
        entered = Room(self, identity, name, failed or _ignore)
        self.engine.sleep(random.uniform(0.0, SPREAD))
        entered.open()
        return entered

    def second(self, trusted: bool = True) -> None:
        """Send the heartbeats that are due, and judge deliveries; called once a second.

        Not `trusted`: this process is too late itself to say what was lost.
        """
        now, beat = time.monotonic(), self.spec.heartbeat
        if beat is not None:
            for room in [room for room in self.rooms if room.beat_at <= now]:
                room.beat_at = now + beat.every
                room.heartbeat()
        for sighting in self.reader.remembered():
            self.parts.fold(sighting)
        self.parts.judge(time.time(), trusted)
        self.witnesses.fill(self.rooms)

    def serial(self) -> int:
        """Another sender's number."""
        return next(self._serials)

    def encode(self, template: str, values: Mapping[str, str]) -> str:
        """A frame of the target file as it goes over the wire."""
        return self.codec.encode(fill_json(template, values))

    def addresses(self, url: str, again: bool) -> list[Address]:
        """The network addresses of a URL's host, looked up once, or `again`. Raises OSError for an unknown name."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)
        known = self._addresses.get(parts.netloc)
        if known is None or again:
            known = self._addresses[parts.netloc] = self.engine.resolve(host, port)
        return known


def _ignore(error: Exception) -> None:
    """Nobody asked to hear of it."""
