"""Curves: the viewers of each shape, as pure functions of the time that has elapsed.

Each takes the elapsed seconds, the peak and the shape's parameters, and gives the viewers wanted at that instant, or
None when the load is over. The bridge to Locust asks once a second. Durations are seconds.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

QUIET = 0.2
"""Share of the peak that is there before and after a spike: what an announcement multiplies by five."""

CHURN = 10.0
"""Seconds in which a soak lets some viewers go and as many come: five ticks of the bridge for each."""


def ramp(elapsed: float, peak: int, over: float, duration: float) -> int | None:
    """Viewers arrive evenly over `over` seconds, and stay until `duration` seconds have passed since the start.

    ::

        peak │      ┌────────────────┐
             │    ╱                  │
             │  ╱                    │
           0 └┴─────┴────────────────┴─► elapsed
              0    over          duration
    """
    if elapsed >= duration:
        return None
    if elapsed >= over:
        return peak
    return math.floor(peak * max(0.0, elapsed) / over)


def steps(elapsed: float, peak: int, over: float, duration: float, count: int) -> int | None:
    """A staircase of `count` equal steps over `over` seconds, to see at which of them the platform gives way.

    The first step is there from the start; the last one, the peak, stays until the end.

    ::

        peak │              ┌─────────┐
             │         ┌────┘         │
             │    ┌────┘              │
             │────┘                   │
           0 └┴─────────────┴────┴────┴─► elapsed
              0                 over  duration
    """
    if elapsed >= duration:
        return None
    step = count if elapsed >= over else min(count, math.floor(max(0.0, elapsed) / over * count) + 1)
    return peak * step // count


def spike(elapsed: float, peak: int, over: float, duration: float) -> int | None:
    """A quiet crowd, on which all at once many more come, and leave again: does the platform come back to itself?

    Three equal parts: a fifth of the peak; a rise over `over` seconds, and the peak; a fall as long, and the fifth.

    ::

        peak │           ┌──────┐
             │          ╱        ╲
        1/5  │  ╱──────┘          └───────┐
           0 └─┴───────┴─┴──────┴─┴───────┴─► elapsed
              0  ⅓ of the duration ⅔     duration
    """
    if elapsed >= duration:
        return None
    quiet = max(1, math.floor(QUIET * peak))
    rise, fall = _part(elapsed - duration / 3, over), _part(elapsed - duration * 2 / 3, over)
    return math.floor(quiet * _part(elapsed, over) + (peak - quiet) * (rise - fall))


def doorbuster(elapsed: float, peak: int, over: float, duration: float) -> int | None:
    """A crowd gathers, ever faster as the hour comes nearer, and waits; at the opening everybody rushes at once.

    The viewers grow with the square of the time until `over`, when all are there: the doors should open a little later.
    They are idle, beside what their connection needs: no tasks, until an event (the sale's opening) makes them act.

    ::

        peak │         ┌─────────────┐
             │        ╱    doors     │
             │     . ╱     open      │
           0 └──  ‾ ───┴─────┴───────┴─► elapsed
              0       over       duration
    """
    if elapsed >= duration:
        return None
    if elapsed >= over:
        return peak
    return math.floor(peak * (max(0.0, elapsed) / over) ** 2)


def soak(elapsed: float, peak: int, over: float, duration: float, stay: float) -> int | None:
    """A ramp, and then the same crowd for a long time, of which nobody stays long: what leaks, leaks here.

    Every ten seconds as many viewers leave, and others join, as do when each stays for `stay` seconds on average.

    ::

        peak │      ╱╲╱╲╱╲╱╲╱╲╱╲╱╲╱╲╱╲┐
             │    ╱                   │
             │  ╱                     │
           0 └┴─────┴─────────────────┴─► elapsed
              0    over           duration
    """
    if elapsed >= duration:
        return None
    if elapsed < over:
        return ramp(elapsed, peak, over, duration)
    phase = (elapsed - over) % CHURN / CHURN
    away = min(1.0, CHURN / stay) * (1.0 - abs(2.0 * phase - 1.0))
    return math.ceil(peak * (1.0 - away))


def trace(elapsed: float, peak: int, points: Sequence[tuple[float, float]]) -> int | None:
    """What another day has seen, by its points (seconds, viewers) and straight lines between them.

    The highest of the points becomes the peak. It is over at the last one.

    ::

        peak │         ·╲
             │     ·──╱  ╲    ·──·
             │    ╱       ╲──╱    ╲
           0 └·──·─────────────────·─► elapsed
    """
    first, last, highest = points[0], points[-1], max(viewers for _, viewers in points)
    if elapsed >= last[0]:
        return None
    after = bisect_right(points, max(elapsed, first[0]), key=lambda point: point[0])
    (start, low), (end, high) = points[after - 1], points[after]
    viewers = low + (high - low) * (max(elapsed, first[0]) - start) / (end - start)
    return min(peak, math.floor(peak * viewers / highest + 1e-9))


def _part(since: float, over: float) -> float:
    """How much of a change has come that began so many seconds ago and takes `over`: 0 to 1."""
    if since < 0.0:
        return 0.0
    return min(1.0, since / over) if over > 0.0 else 1.0
