"""Worse: whether a verification query looks worse after a mitigation than it did before, not only not yet well.

What counts is how far a value is on the wrong side of what is expected. A moment proves nothing: windows of rates are
still filling when a mitigation has been done, so it has to stay worse for a while, and by more than `MARGIN`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from runbooks.expectation import Comparison

MARGIN = 0.25
"""As a share of the distance before: the noise of a window of seconds under steady load stays below it."""


@dataclass
class Before:
    """A query's values before the mitigation. after: seconds for which it has to be worse without a break."""

    expect: Comparison
    values: tuple[float, ...]
    after: float
    _since: float | None = None

    def is_worse(self, values: Sequence[float], now: float) -> bool:
        """Take a look at the query's values (now: seconds of a monotonic clock); whether they have been worse for long.

        No data, before or after, is never worse: nobody knows.
        """
        before, current = distance(self.expect, self.values), distance(self.expect, values)
        worse = before is not None and current is not None and current > before * (1 + MARGIN) + 1e-9
        self._since = (now if self._since is None else self._since) if worse else None
        return self._since is not None and now - self._since >= self.after


def distance(expect: Comparison, values: Sequence[float]) -> float | None:
    """How far the worst value is on the wrong side of the bound; None without any, or where there are no sides."""
    known = [value for value in values if not math.isnan(value)]
    if not known or expect.operator == "!=":
        return None
    match expect.operator[0]:
        case "<":
            return max(0.0, *(value - expect.bound for value in known))
        case ">":
            return max(0.0, *(expect.bound - value for value in known))
        case _:
            return max(abs(value - expect.bound) for value in known)
