"""Draw: the interactive draw of a target as its `draw` block describes it: entering, and asking what one has won.

    (wish) ─► entered ─► asking ⇄ pending ─► answered: a prize, or nothing
                 │          └──► given up: no answer in time
                 └► refused: too late              an entry without a clear answer is unknown, and asks all the same

An attempt without a clear answer is repeated after a full-jitter back-off, as an order is. What became of each entry is
recorded when it is answered or refused; of the others, when the load ends.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from flashcrowd.target import Draw as DrawSpec
from loadtests.backoff import full_jitter
from loadtests.crowd.engine import Engine
from loadtests.crowd.http import MOST, HttpClient
from loadtests.entries import ENTERED, REFUSED, UNKNOWN, EntryRecord, EntryWriter
from loadtests.form import Form
from loadtests.identities import Identity
from loadtests.paths import parse_path, read_path
from loadtests.report import Report, Request
from loadtests.shop import Patience, ServerError
from loadtests.variables import Variables, traceparent

POLL = (1.0, 3.0)
"""Seconds between two questions for a result that is not drawn yet, at least and at most: as an app polls."""


@dataclass(slots=True)
class _Entry:
    """An entry under way: unknown until an answer says otherwise."""

    start: float
    end: float
    trace: str
    outcome: str = UNKNOWN
    answered: bool = False
    prize: str = ""
    status: int = 0

    def record(self, draw: str, user: str) -> EntryRecord:
        return EntryRecord(
            self.start, self.end, draw, user, self.outcome, self.answered, self.prize, self.status, self.trace
        )


class Draws:
    """The draws of a target, for all viewers of this process."""

    def __init__(
        self,
        engine: Engine,
        spec: DrawSpec,
        variables: Variables,
        report: Report,
        entries: EntryWriter,
        patience: Patience | None = None,
        most: int = MOST,
    ) -> None:
        self._engine, self._spec, self._report = engine, spec, report
        self._entries, self._patience = entries, patience or Patience()
        self._path_to_prize = parse_path(spec.prize, "prize")
        self._client = client = HttpClient(engine, spec.url, "shared", self._patience.timeout, most)
        mark, constant = variables.mark, variables.constant()
        self._enter, self._result = (Form(one, client.host, mark, constant) for one in (spec.enter, spec.result))
        self._open: dict[str, dict[str, _Entry]] = {}  # by user, then by draw

    def enter(self, identity: Identity, draw: str) -> bool:
        """Enter, and repeat until the answer is clear or patience has ended; whether the entry may count."""
        now = time.time()
        entry = self._open.setdefault(identity.user, {}).setdefault(draw, _Entry(now, now, traceparent()))
        doubt = False
        for attempt in range(1, self._patience.attempts + 1):
            status, _ = self._ask("enter", self._enter, identity, draw, entry)
            if status in self._spec.entered:
                entry.outcome = ENTERED
                return True
            if status in self._spec.closed:
                return self._refused(identity, draw, entry, doubt)
            doubt = True
            if 0 < status < 500 or attempt == self._patience.attempts:
                break
            self._back_off(attempt)
        return True

    def result(self, identity: Identity, draw: str, wait: float = 30.0) -> str | None:
        """What the viewer has won; empty for nothing, None for no entry or no answer. wait: seconds to go on asking
        while nothing is drawn."""
        entry = self._open.get(identity.user, {}).get(draw)
        if entry is None:
            return None
        end, failures = time.monotonic() + wait, 0
        while True:
            status, body = self._ask("result", self._result, identity, draw, entry)
            if status == 200:
                entry.answered, entry.prize = True, read_path(body, self._path_to_prize)
                self._close(identity.user, draw)
                return entry.prize
            if status in self._spec.pending and time.monotonic() < end:
                self._engine.sleep(random.uniform(*POLL))
                continue
            failures += 1
            if 0 < status < 500 or failures >= self._patience.attempts:
                return None
            self._back_off(failures)

    def unanswered(self, identity: Identity) -> list[str]:
        """The draws whose result the viewer doesn't know yet."""
        return list(self._open.get(identity.user, ()))

    def flush(self) -> None:
        """Save what is recorded."""
        self._entries.flush()

    def finish(self) -> None:
        """Record the entries that were not answered, and save everything. May be repeated."""
        for user, draws in list(self._open.items()):
            for draw in list(draws):
                self._close(user, draw)
        self.flush()

    def _refused(self, identity: Identity, draw: str, entry: _Entry, doubt: bool) -> bool:
        """It came too late; unless an attempt before this one had no answer, and may have come in time."""
        if doubt:
            return True
        if entry.outcome != ENTERED:
            entry.outcome = REFUSED
            self._close(identity.user, draw)
        return entry.outcome == ENTERED

    def _close(self, user: str, draw: str) -> None:
        entry = self._open.get(user, {}).pop(draw, None)
        if entry is not None:
            self._entries.add(entry.record(draw, user))
        if not self._open.get(user, True):
            del self._open[user]

    def _back_off(self, failures: int) -> None:
        self._engine.sleep(full_jitter(failures, self._patience.base, self._patience.cap))

    def _ask(self, name: str, form: Form, identity: Identity, draw: str, entry: _Entry) -> tuple[int, bytes]:
        """One request; its status, 0 without an answer, and body."""
        request = form.write({"draw": draw, "traceparent": entry.trace}, identity.variables)
        asked = time.time()
        try:
            answer = self._client.exchange(request, None, asked)
        except OSError as failure:
            entry.end, entry.status = time.time(), 0
            self._report(Request(form.method, f"draw {name}", entry.end - asked, 0, failure))
            return 0, b""
        entry.end, entry.status = time.time(), answer.status
        error = None if self._expected(answer.status) else ServerError(f"status {answer.status}")
        size = len(answer.body)
        self._report(Request(form.method, f"draw {name}", answer.response, size, error, answer.service))
        return answer.status, answer.body

    def _expected(self, status: int) -> bool:
        spec = self._spec
        return status == 200 or status in (*spec.entered, *spec.closed, *spec.pending)


class Entrant:
    """The draws as one viewer has them before them."""

    __slots__ = ("_draws", "_identity")

    def __init__(self, draws: Draws, identity: Identity) -> None:
        self._draws, self._identity = draws, identity

    def enter(self, draw: str) -> bool:
        """As `Draws.enter`."""
        return self._draws.enter(self._identity, draw)

    def result(self, draw: str, wait: float = 30.0) -> str | None:
        """As `Draws.result`."""
        return self._draws.result(self._identity, draw, wait)

    def results(self) -> None:
        """Ask for each result that this viewer doesn't know yet, once: who was away at the drawing hears of it so."""
        for draw in self._draws.unanswered(self._identity):
            self.result(draw, wait=0.0)
