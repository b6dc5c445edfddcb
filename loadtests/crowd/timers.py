"""Timers: a heap of moments at which something is due, and deadlines for what is under way.

Sans-I/O: whoever owns them asks when the next one is due, and runs those that are. Times are of `time.monotonic`.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, Protocol

Timer = list[Any]
"""[due, number, call or None]: a list, because a parked viewer has one, and a list is half of an object's size."""

Clock = Callable[[], float]

_FEW = 1024


class Timers:
    """What is due at a moment, the earliest first, and first come first served."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._numbers = count()
        self._cancelled = 0

    def add(self, due: float, call: Callable[[], object]) -> Timer:
        """Call once that moment has come. The timer is good for `cancel` until then."""
        timer: Timer = [due, next(self._numbers), call]
        heappush(self._heap, timer)
        return timer

    def cancel(self, timer: Timer) -> None:
        """Never mind. May be repeated, also after the call."""
        if timer[2] is None:
            return
        timer[2] = None
        self._cancelled += 1
        if self._cancelled > _FEW and self._cancelled * 2 > len(self._heap):
            self._heap = [kept for kept in self._heap if kept[2] is not None]
            heapify(self._heap)
            self._cancelled = 0

    def next_due(self) -> float | None:
        """When the earliest is due; None without one."""
        heap = self._heap
        while heap and heap[0][2] is None:
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def take_due(self, now: float) -> list[Callable[[], object]]:
        """The calls that are due by now, in order; they are no longer waiting."""
        heap = self._heap
        calls: list[Callable[[], object]] = []
        while heap and heap[0][0] <= now:
            timer = heappop(heap)
            if timer[2] is None:
                self._cancelled -= 1
            else:
                calls.append(timer[2])
                timer[2] = None
        return calls

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled


class Expiring(Protocol):
    """Something that is given up when it takes too long."""

    def expired(self) -> None:
        """The deadline has passed; it is no longer watched."""


class Deadlines:
    """Deadlines which are all equally far away, as of requests with one timeout.

    Most requests end long before their timeout. A timer each would leave a heap full of cancelled ones (at 50,000
    requests a second and 5 s, a quarter of a million); here there are as many entries as requests under way, the
    oldest in front, looked at twenty times a second: an expiry is at most so late. `at(due, call)` sets a timer.
    """

    PERIOD = 0.05

    def __init__(self, seconds: float, at: Callable[[float, Callable[[], None]], object], clock: Clock) -> None:
        self.seconds, self._at, self._clock = seconds, at, clock
        self._waiting: dict[Expiring, float] = {}
        self._sweeping = False

    def add(self, what: Expiring) -> None:
        """Watch it from now on; once at a time."""
        now = self._clock()
        self._waiting[what] = now + self.seconds
        if not self._sweeping:
            self._sweeping = True
            self._at(now + min(self.PERIOD, self.seconds), self._sweep)

    def discard(self, what: Expiring) -> None:
        """It has ended in time. May be repeated."""
        self._waiting.pop(what, None)

    def _sweep(self) -> None:
        now = self._clock()
        late: list[Expiring] = []
        for what, due in self._waiting.items():
            if due > now:
                break
            late.append(what)
        for what in late:
            if self._waiting.pop(what, None) is not None:
                what.expired()
        self._sweeping = bool(self._waiting)
        if self._sweeping:
            self._at(now + self.PERIOD, self._sweep)
