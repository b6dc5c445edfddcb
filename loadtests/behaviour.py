"""Behaviour: what viewers do, told to the platform in small batches, as an app's SDK does.

    note ─► buffer of the viewer ─► batch: after 2 s, at 20 events, or when the viewer leaves ─► accepted, or again

A batch without an answer, or with 5xx or 429, is sent again with the same numbers, so that nothing is counted twice. Of
a share of all events it is asked when they became visible (probes.py).
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

import gevent  # type: ignore[import-untyped]

from flashcrowd.target import Events as EventsSpec
from loadtests.backoff import full_jitter
from loadtests.crowd.answer import Answer
from loadtests.crowd.engine import Engine
from loadtests.crowd.http import MOST, HttpClient
from loadtests.crowd.timers import Timer
from loadtests.identities import Identity
from loadtests.metrics import Tally
from loadtests.paths import parse_path, read_path
from loadtests.probes import Probes, Wanted
from loadtests.report import Report, Request
from loadtests.shop import ServerError
from loadtests.variables import Variables, fill_json, fill_path, traceparent

EVERY, LARGEST = 2.0, 20
"""Seconds that an event waits for others at most, and events of a batch. SDKs of general use wait longer (Amplitude's
for Android: 30 s or 30 events); what must be visible within 5 s can't."""

SAMPLED = 0.1
"""Share of the events that are asked for."""

ATTEMPTS, BACKOFF = 3, (0.5, 4.0)
"""Attempts at a batch, and seconds of the bounds of the wait between them."""

Value = int | float | str


class Event(NamedTuple):
    """Something that a viewer did. number: unique. at: unix seconds. sampled: the chance that it is asked for."""

    number: str
    kind: str
    at: float
    value: Value
    sampled: float


class Behaviour:
    """The behaviour data of a target, for all viewers of this process. sampled: the share that is asked for."""

    def __init__(
        self,
        engine: Engine,
        spec: EventsSpec,
        variables: Variables,
        tally: Tally,
        report: Report,
        most: int = MOST,
        sampled: float = SAMPLED,
    ) -> None:
        self.engine, self.tally = engine, tally.freshness
        self._spec, self._variables, self._report = spec, variables, report
        self.sampled = sampled if spec.visible is not None else 0.0
        self._client = HttpClient(engine, spec.url, most=most)
        parts = urlsplit(spec.url)
        self._path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self._templates = templates(spec)
        self._visible_at = parse_path(spec.visible_at)
        self.probes = Probes(engine, self.tally, self._ask, self._when)
        self._sending = 0

    def diary(self, identity: Identity) -> Diary:
        """Where one viewer's events are noted."""
        return Diary(self, identity)

    def send(self, identity: Identity, events: Sequence[Event]) -> None:
        """Send a batch, in a lane of its own."""
        self._sending += 1
        self.engine.lend(partial(self._deliver, identity, events))

    def drain(self, grace: float) -> None:
        """Let batches and questions under way end for so many seconds, then give up."""
        end = time.monotonic() + grace
        while (self._sending or self.probes.open) and time.monotonic() < end:
            gevent.sleep(0.02)
        self.probes.end()

    def _deliver(self, identity: Identity, events: Sequence[Event]) -> None:
        taken = False
        try:
            taken = self._persist(identity, events)
        finally:
            self._sending -= 1
            self.tally.sent["accepted" if taken else "failed"] += len(events)
            follow = self.probes.start if taken else self.probes.refused
            for event in events:
                if random.random() < event.sampled:
                    follow(Wanted(event.number, event.kind, event.at))

    def _persist(self, identity: Identity, events: Sequence[Event]) -> bool:
        """Whether the batch was taken, after as many attempts as it takes or patience allows."""
        body = self._body(identity, events)
        for attempt in range(1, ATTEMPTS + 1):
            status = self._post(identity, body)
            if status in self._spec.accepted:
                return True
            if status not in (0, 429) and status < 500:
                return False
            if attempt < ATTEMPTS:
                self.engine.sleep(full_jitter(attempt, *BACKOFF))
        return False

    def _body(self, identity: Identity, events: Sequence[Event]) -> bytes:
        filled = ", ".join(self._fill(identity, event) for event in events)
        listed = f"[{filled}]"
        return (listed if self._spec.wrap is None else f"{{{json.dumps(self._spec.wrap)}: {listed}}}").encode()

    def _fill(self, identity: Identity, event: Event) -> str:
        values = self._variables.of(
            identity, event=event.number, kind=event.kind, at=f"{event.at:.3f}", value=str(event.value)
        )
        return fill_json(self._templates[isinstance(event.value, str)], values)

    def _post(self, identity: Identity, body: bytes) -> int:
        """One attempt; its status, 0 without an answer."""
        values = self._variables.of(identity, traceparent=traceparent())
        headers = self._variables.headers(self._spec.headers, values)
        headers.setdefault("Content-Type", "application/json")
        answer = self._request("POST", "events", self._path, headers, self._spec.accepted, body)
        return answer.status if answer is not None else 0

    def _ask(self, number: str) -> Answer | None:
        """As `probes.Ask`. Not visible yet is an answer, no failure; asking is ours, and has its own name."""
        assert self._spec.visible is not None
        values = {"event": number, "run": self._variables.run, **self._variables.environment}
        marked = self._variables.headers({}, {**values, "traceparent": traceparent()})
        path = fill_path(self._spec.visible, values)
        return self._request("GET", "event visible?", path, marked, (200, 202, 204, 404, 410))

    def _request(
        self, method: str, name: str, path: str, headers: dict[str, str], fine: Sequence[int], body: bytes = b""
    ) -> Answer | None:
        asked = time.time()
        try:
            answer = self._client.request(method, path, headers, body)
        except OSError as failure:
            self._report(Request(method, name, time.time() - asked, 0, failure))
            return None
        error = None if answer.status in fine else ServerError(f"status {answer.status}")
        self._report(Request(method, name, answer.response, answer.size, error, answer.service))
        return answer

    def _when(self, answer: Answer) -> float:
        """As `probes.When`."""
        try:
            return float(read_path(answer.body, self._visible_at))
        except ValueError:
            return answer.arrived


class Diary:
    """What one viewer did lately, and wasn't told yet."""

    __slots__ = ("_behaviour", "_identity", "_noted", "_timer")

    def __init__(self, behaviour: Behaviour, identity: Identity) -> None:
        self._behaviour, self._identity = behaviour, identity
        self._noted: list[Event] = []
        self._timer: Timer | None = None

    def note(self, kind: str, value: Value = 1, sampled: float = 1.0) -> None:
        """The viewer did something, now; it is told with the next batch.

        sampled: by how much likelier than others it is asked for, when it became visible.
        """
        self._behaviour.tally.expect(kind)
        self._noted.append(Event(os.urandom(8).hex(), kind, time.time(), value, sampled * self._behaviour.sampled))
        if len(self._noted) >= LARGEST:
            self.flush()
        elif self._timer is None:
            self._timer = self._behaviour.engine.after(EVERY, self.flush)

    def flush(self) -> None:
        """Tell at once what there is to tell, without waiting for it."""
        if self._timer is not None:
            self._behaviour.engine.timers.cancel(self._timer)
            self._timer = None
        if self._noted:
            noted, self._noted = self._noted, []
            self._behaviour.send(self._identity, noted)


def templates(spec: EventsSpec) -> tuple[str, str]:
    """The JSON of an event as a template, for a value that is a number and for one that is text. `${at}` alone is a
    number in both."""
    text = json.dumps(spec.event).replace('"${at}"', "${at}")
    return text.replace('"${value}"', "${value}"), text
