"""Holm: several tests at once, corrected for, so that one in forty comparisons, not one in forty rows, cries wolf."""

from __future__ import annotations

from collections.abc import Sequence


def limits(chances: Sequence[float], alpha: float) -> list[float]:
    """For each chance (0 to 1) what it has to be below to count; one that doesn't count has a limit at or below it.

    The smallest must be below alpha / n, the next below alpha / (n - 1), and so on; after the first that isn't, none
    counts: those have its limit, which is at most their own chance. All together err at most as often as alpha says,
    however they hang together (S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6: 65-70).
    """
    order = sorted(range(len(chances)), key=lambda index: chances[index])
    found, stopped = [0.0] * len(chances), None
    for rank, index in enumerate(order):
        limit = alpha / (len(chances) - rank)
        if stopped is None and chances[index] >= limit:
            stopped = limit
        found[index] = limit if stopped is None else stopped
    return found
