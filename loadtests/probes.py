"""Probes: asking the platform, again and again, whether an event is visible yet.

    waiting ─► asking ─┬─► visible: fresh or late     asked at growing intervals, and once when five seconds are over;
       ▲               ├─► shed (410)                 then it counts as late at once, and is asked for until we give up
       └─── not yet ◄──┴─► unknown: the load ended, or nobody ever answered

Between two questions a probe is a timer. When an event became visible is what the platform says, but not before it
was last said to be invisible, and not after the answer arrived: its clock may be another one than ours.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from loadtests.crowd.answer import Answer
from loadtests.crowd.engine import Engine
from loadtests.crowd.timers import Timer
from loadtests.freshness import FRESH, Freshness

FIRST, LONGEST = 0.25, 4.0
"""Seconds until the first question, and between two of them at most; each time twice as long, give or take a fifth."""

LIMIT = 60.0
"""Seconds after which an event that isn't visible is lost."""

VISIBLE, SHED, NOT_YET = (200,), (410,), (202, 204, 404)

Ask = Callable[[str], Answer | None]
"""Asks for an event by its number; None when there was no answer."""

When = Callable[[Answer], float]
"""The time, unix seconds, that an answer says the event became visible at."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event to be asked for. at: when it happened, unix seconds."""

    number: str
    kind: str
    at: float


class Probes:
    """All probes of a process."""

    def __init__(self, engine: Engine, tally: Freshness, ask: Ask, when: When) -> None:
        self.engine, self.tally, self.ask, self.when = engine, tally, ask, when
        self.open = set[Probe]()

    def start(self, wanted: Wanted) -> None:
        """Ask for an event that the platform has just taken."""
        self.open.add(Probe(self, wanted))

    def refused(self, wanted: Wanted) -> None:
        """The platform didn't take the event: it will never be visible."""
        self.tally.probed(wanted.kind, "late")
        self.tally.lost += 1

    def end(self) -> None:
        """Ask no more. What isn't known by now stays unknown; what was late stays late."""
        for probe in list(self.open):
            probe.give_up()


class Probe:
    """One event that is asked for."""

    __slots__ = ("_invisible", "_late", "_pause", "_probes", "_timer", "_wanted")

    def __init__(self, probes: Probes, wanted: Wanted) -> None:
        self._probes, self._wanted = probes, wanted
        self._invisible, self._late, self._pause = wanted.at, False, FIRST
        self._timer: Timer | None = None
        self._wait()

    def give_up(self) -> None:
        """It was not found out."""
        if not self._late:
            self._probes.tally.probed(self._wanted.kind, "unknown")
        self._close()

    def _wait(self) -> None:
        """Until the next question; one is asked when the event is about to be late."""
        now, due = time.time(), self._wanted.at + FRESH
        pause = self._pause * random.uniform(0.8, 1.2)
        self._pause = min(LONGEST, self._pause * 2.0)
        if now < due < now + pause:
            pause = due - now
        self._timer = self._probes.engine.after(pause, self._wake)

    def _wake(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            self._probes.engine.lend(self._ask, timer[0])

    def _ask(self) -> None:
        asked = time.time()
        answer = self._probes.ask(self._wanted.number)
        if self not in self._probes.open:
            return
        if answer is not None and answer.status in VISIBLE:
            self._seen(answer)
        elif answer is not None and answer.status in SHED:
            if not self._late:
                self._probes.tally.probed(self._wanted.kind, "shed")
            self._close()
        else:
            if answer is not None and answer.status in NOT_YET:
                self._not_yet(max(asked, answer.sent))
            self._again(asked)

    def _seen(self, answer: Answer) -> None:
        at = min(max(self._probes.when(answer), self._invisible), answer.arrived)
        seconds = at - self._wanted.at
        self._probes.tally.visible(seconds)
        if not self._late:
            self._probes.tally.probed(self._wanted.kind, "fresh" if seconds <= FRESH else "late")
        self._close()

    def _not_yet(self, at: float) -> None:
        self._invisible = at
        if not self._late and at >= self._wanted.at + FRESH:
            self._late = True
            self._probes.tally.probed(self._wanted.kind, "late")

    def _again(self, asked: float) -> None:
        if asked < self._wanted.at + LIMIT:
            self._wait()
        elif self._late:
            self._probes.tally.lost += 1
            self._close()
        else:
            self.give_up()

    def _close(self) -> None:
        if self._timer is not None:
            self._probes.engine.timers.cancel(self._timer)
            self._timer = None
        self._probes.open.discard(self)
