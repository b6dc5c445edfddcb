"""Generator watch: whether this process still keeps time, because a late generator blames its lateness on the server.

Sans-I/O: a timer of ours says how late it woke, and once a second how much of a core the process used.
"""

from __future__ import annotations

import math
from collections import deque

from loadtests.histogram import LAG_EDGES, Histogram

PERIOD = 0.05
"""Seconds between two wakes of the timer: 20 samples a second, for next to no CPU."""

LAG_LIMIT = 0.25
"""Seconds that the p99 of the wakes may be late: half of the tightest built-in objective, 500 ms for an order. Of ten
seconds, 200 wakes, one later than that is a hiccup of the machine; the second is too many."""

CPU_LIMIT = 0.9
"""Share of a core, as Locust's own warning has it (locust/runners.py, CPU_WARNING_THRESHOLD)."""

CPU_SECONDS = 5
"""Seconds in a row above CPU_LIMIT that count as saturated: a burst of connects is not."""

LATE = 0.1
"""Seconds after which a start counts as late: a fifth of the tightest built-in objective, 500 ms for an order."""

LATE_SHARE = 0.01
"""Of the starts of ten seconds, as many may be late before the crowd no longer is the crowd that was asked for. A few
late ones of one second are a hiccup of the machine, as with the wakes."""

_WINDOW = 10


class GeneratorWatch:
    """The lag and CPU of one process; `lag` is the histogram of all wakes. why: what saturates it, if anything does."""

    def __init__(self) -> None:
        self.lag = Histogram(LAG_EDGES)
        self.saturated = False
        self.saturated_seconds = 0
        self.cpu = 0.0
        self.late_starts = 0
        self.why = ""
        self._started = 0
        self._starts = deque[tuple[int, int]](maxlen=_WINDOW)
        self._current = list[float]()
        self._window = deque[list[float]](maxlen=_WINDOW)
        self._busy_seconds = 0

    def woke(self, late: float) -> None:
        """The timer woke so many seconds after it was due."""
        late = max(0.0, late)
        self.lag.observe(late)
        self._current.append(late)

    def starts(self, count: int, late: int) -> None:
        """So many viewers' tasks have been started since the beginning, so many of them late; called once a second."""
        self._starts.append((count - self._started, late - self.late_starts))
        self._started, self.late_starts = count, late

    def second(self, cpu: float) -> None:
        """A second has passed, in which the process used this share of a core."""
        self.cpu = cpu
        self._busy_seconds = self._busy_seconds + 1 if cpu > CPU_LIMIT else 0
        self._window.append(self._current)
        self._current = []
        p99, busy = self.recent_p99, self._busy_seconds
        reasons = [self._late()]
        if p99 > LAG_LIMIT:
            reasons.append(f"timers woke {p99:.2f} s late at p99 of {_WINDOW} s")
        if busy >= CPU_SECONDS:
            reasons.append(f"more than {CPU_LIMIT:.0%} of a core was used for {busy} s")
        self.why = "; ".join(filter(None, reasons))
        self.saturated = bool(self.why)
        self.saturated_seconds += self.saturated

    def _late(self) -> str:
        """What is wrong with the recent starts; empty where nothing is."""
        fresh, late = (sum(numbers) for numbers in zip((0, 0), *self._starts, strict=True))
        if late <= max(1, LATE_SHARE * fresh):
            return ""
        return f"{late} of {fresh} starts of {_WINDOW} s were more than {LATE:g} s late"

    @property
    def recent_p99(self) -> float:
        """Seconds late that 99 % of the wakes of the last ten seconds stayed within (nearest rank)."""
        wakes = sorted(late for second in self._window for late in second)
        return wakes[math.ceil(0.99 * len(wakes)) - 1] if wakes else 0.0
