"""Row: one thing that doctor has looked at, and what to mend about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was seen.

    name: of the thing, in one word; empty where the part speaks of itself. says: a clause without a full stop. mend:
    what to do about it; None when it is fine.
    """

    name: str
    says: str
    mend: str | None = None


@dataclass(frozen=True)
class Part:
    """All that was seen of one part: this machine, the target, Prometheus."""

    name: str
    rows: Sequence[Row]
