"""Back-off: how long to wait before a retry, spread so that a crowd which failed together doesn't return together.

"Full jitter" of Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: a uniform draw between
zero and an exponentially growing bound.
"""

from __future__ import annotations

import random


def full_jitter(failures: int, base: float, cap: float) -> float:
    """Seconds to wait after so many failures in a row (from 1), between 0 and min(cap, base · 2^(failures - 1))."""
    return random.uniform(0.0, min(cap, base * 2.0 ** min(failures - 1, 32)))
