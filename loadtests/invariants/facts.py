"""Facts: the counts that every invariant may need when it says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.invariants.sale import Lots
from loadtests.stock import StockRow


@dataclass(slots=True)
class Facts:
    """minimum: orders below which nothing was really tried. settled: whether the ledger was read at rest; None when
    nobody looked. Of the records of the history: accepted (an order that is replayed counts once), rejected, unknown;
    limited: rejected for having had enough; retried: sent more than once, and stored; replays: of orders that had been
    accepted before. Of the orders of the ledger: stored, and ours, made by viewers."""

    lots: Lots
    minimum: int
    stock: Sequence[StockRow] = ()
    settled: bool | None = None
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    limited: int = 0
    retried: int = 0
    replays: int = 0
    stored: int = 0
    ours: int = 0

    @property
    def total(self) -> int:
        """Records of the history."""
        return self.accepted + self.rejected + self.unknown

    @property
    def oversold_by_target(self) -> frozenset[str]:
        """The sales of which the target itself says that it has sold more than there was."""
        return frozenset(row.name for row in self.stock if row.sold > row.initial)
