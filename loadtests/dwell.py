"""Dwell: for how long people stay."""

from __future__ import annotations

import random
from collections.abc import Callable

MEDIAN, SIGMA = 190.0, 1.5
"""Seconds, and of the logarithm. Sessions of a live stream are log-normal (Veloso, Almeida, Meira, Bestavros and Jin, A
Hierarchical Characterization of a Live Streaming Media Workload, IEEE/ACM Transactions on Networking 14(1), 2006): half
of them end within about three minutes, and one in twenty lasts longer than half an hour."""


def dwelling(median: float = MEDIAN, sigma: float = SIGMA) -> Callable[[object], float]:
    """A `wait_time`: until the viewer has seen enough. Log-normal."""

    def wait_time(viewer: object) -> float:
        return random.lognormvariate(0.0, sigma) * median

    return wait_time
