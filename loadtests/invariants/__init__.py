"""Invariants: what must hold between the viewers' history and the target's records, whatever was broken meanwhile.

Checked once the target is at rest. The vocabulary is Jepsen's: an order is accepted, rejected, or unknown, and an
unknown one may or may not have been stored, but at most once. Each invariant is a file; the cause of a violation is
named once, by the invariant that knows most of it. docs/invariants.md says what each takes as evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flashcrowd.verdict import Finding
from loadtests.history import OrderRecord
from loadtests.invariants.activity import Activity, Drained
from loadtests.invariants.comparison import Comparison
from loadtests.invariants.conservation import Conservation, NegativeStock
from loadtests.invariants.duplicate import Duplicate
from loadtests.invariants.facts import Facts
from loadtests.invariants.limit import Limit
from loadtests.invariants.lost import Lost
from loadtests.invariants.oversold import Oversold
from loadtests.invariants.rejected import Rejected
from loadtests.invariants.replay import Replay
from loadtests.invariants.sale import Lots, Sale
from loadtests.invariants.undersold import Undersold
from loadtests.invariants.unknown import Unknown
from loadtests.invariants.violation import EXAMPLES
from loadtests.ledger import LedgerEntry
from loadtests.stock import StockRow

MINIMUM = 100

NAMES = (
    *("oversold", "undersold", "lost", "duplicate", "replay", "rejected-but-stored", "limit", "unknown"),
    *("conservation", "negative-stock", "drained", "activity"),
    *("draw-winners", "draw-once", "draw-entered", "draw-told", "draw-answered", "forbidden-phrase", "chat-order"),
)
"""What their findings are called, after `invariant/`."""

__all__ = ["EXAMPLES", "MINIMUM", "NAMES", "Judgement", "OrderSummary", "Sale", "judge"]


@dataclass(frozen=True)
class OrderSummary:
    """Counts for the report. `sold` is units per sale sku; `foreign` are stored orders that no viewer of ours made."""

    accepted: int
    rejected: int
    unknown: int
    unknown_stored: int
    stored: int
    foreign: int
    oversold: int
    lost: int
    duplicate: int
    sold: Mapping[str, int]


@dataclass(frozen=True)
class Judgement:
    """What the comparison came to."""

    findings: tuple[Finding, ...]
    summary: OrderSummary


def judge(
    history: Iterable[OrderRecord],
    ledger: Iterable[LedgerEntry],
    sales: Iterable[Sale] = (),
    stock: Sequence[StockRow] = (),
    settled: bool | None = None,
    minimum: int = MINIMUM,
) -> Judgement:
    """Compare all that the viewers saw with all that the target stored, each read once.

    stock: what the target says of its sales; empty when it can't. settled: whether the ledger was read at rest.
    minimum: orders below which nothing was really tried, and the verdict is inconclusive.
    """
    facts = Facts(Lots(sales), minimum, stock, settled)
    oversold, lost, duplicate, unknown = Oversold(facts.lots), Lost(), Duplicate(), Unknown()
    invariants = (
        *(oversold, Undersold(facts.lots), lost, duplicate, Replay(), Rejected(), Limit(facts.lots.sales)),
        *(unknown, Conservation(), NegativeStock(), Drained(), Activity()),
    )
    comparison = Comparison(invariants, facts)
    comparison.ledger(ledger)
    comparison.history(history)
    found = tuple(finding for one in invariants for finding in one.findings(facts))
    summary = OrderSummary(
        accepted=facts.accepted,
        rejected=facts.rejected,
        unknown=facts.unknown,
        unknown_stored=unknown.stored,
        stored=facts.stored,
        foreign=facts.stored - facts.ours,
        oversold=sum(violation.count for violation in oversold.violations),
        lost=lost.lost.count,
        duplicate=duplicate.twice.count,
        sold=_sold(facts.lots),
    )
    return Judgement(found, summary)


def _sold(lots: Lots) -> dict[str, int]:
    return {sku: lot.sold for sku, lot in lots.by_sku.items()}
