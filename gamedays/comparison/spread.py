"""Spread: how far apart runs lie in which nothing was changed; a new one may lie as far off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, stdev

LEAST = 3
"""Runs that make a spread; of two, the interval below is so wide that nothing would ever be outside of it."""

_T = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""Student's t, 97.5 %, for 1 to 30 degrees of freedom."""


def reach(values: Sequence[float]) -> float:
    """How far from the mean of these runs' values a further one may lie by chance, in 95 of 100 cases; 0 for too few.

    The prediction interval of one further observation: t · s · √(1 + 1/n) (Student; G. J. Hahn and W. Q. Meeker,
    "Statistical Intervals", 1991, section 4.7). It takes the runs as alike and about normal.
    """
    n = len(values)
    if n < LEAST:
        return 0.0
    return _T[min(n - 1, len(_T)) - 1] * stdev(values) * math.sqrt(1 + 1 / n)


def beyond(values: Sequence[float], now: float, sign: float) -> bool:
    """Whether `now` lies further off than chance explains, upwards (sign 1) or downwards (-1); too few runs don't
    forbid it."""
    return len(values) < LEAST or sign * (now - mean(values)) > reach(values)
