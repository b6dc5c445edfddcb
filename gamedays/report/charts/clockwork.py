"""Clockwork: where a time axis is marked: at whole seconds, minutes and hours as a clock has them."""

from __future__ import annotations

import math

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
"""Seconds between two marks."""


def step(seconds: float, most: int) -> int:
    """The shortest step of which at most so many fit into a time."""
    return next((step for step in STEPS if seconds / step <= most), STEPS[-1])


def ticks(left: float, right: float, most: int) -> list[int]:
    """The marks between two instants, at most so many and one."""
    every = step(right - left, most)
    return list(range(math.ceil(left / every) * every, math.floor(right) + 1, every))
