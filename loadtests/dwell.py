"""Dwell: for how long people stay."""

from __future__ import annotations

import random
from collections.abc import Callable

from loadtests import people


def dwelling(median: float = people.DWELL, sigma: float = people.DWELL_SIGMA) -> Callable[[object], float]:
    """A `wait_time`: until the viewer has seen enough. Log-normal."""

    def wait_time(viewer: object) -> float:
        return random.lognormvariate(0.0, sigma) * median

    return wait_time
