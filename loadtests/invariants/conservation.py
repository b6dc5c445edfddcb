"""Conservation: no unit comes from nowhere or goes there: initial = remaining + sold + reserved."""

from __future__ import annotations

from collections.abc import Iterator

from flashcrowd.verdict import Finding, Outcome
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant
from loadtests.stock import StockRow


class Conservation(Invariant):
    """By the target's own figures; says nothing where it tells none.

    A sale of which more was sold than there was is left to `oversold`, one with less than nothing to `negative-stock`.
    """

    def findings(self, facts: Facts) -> Iterator[Finding]:
        rows = [row for row in facts.stock if row.name not in facts.oversold_by_target and not is_negative(row)]
        if facts.stock:
            yield stock_finding(
                "conservation",
                [row for row in rows if row.initial != row.remaining + row.sold + row.reserved],
                "the units of {wrong} don't add up",
                f"initial = remaining + sold + reserved for all {len(facts.stock)} sales of the target",
            )


class NegativeStock(Invariant):
    """No sale has less than nothing left; says nothing where the target tells no stock."""

    def findings(self, facts: Facts) -> Iterator[Finding]:
        if facts.stock:
            yield stock_finding(
                "negative-stock",
                [row for row in facts.stock if is_negative(row) and row.name not in facts.oversold_by_target],
                "less than nothing is left of {wrong}",
                f"nothing is below 0 in any of the {len(facts.stock)} sales of the target",
            )


def is_negative(row: StockRow) -> bool:
    return min(row.remaining, row.reserved, row.sold) < 0


def stock_finding(name: str, wrong: list[StockRow], broken: str, held: str) -> Finding:
    """A fail with the figures of the wrong rows."""
    figures = [
        f"{row.name}: {row.initial} initial, {row.remaining} remaining, {row.sold} sold, {row.reserved} reserved"
        for row in wrong[:10]
    ]
    if not wrong:
        return Finding(f"invariant/{name}", Outcome.PASS, held, {"count": 0})
    message = broken.format(wrong="; ".join(figures[:3]))
    return Finding(f"invariant/{name}", Outcome.FAIL, message, {"count": len(wrong), "sales": figures})
