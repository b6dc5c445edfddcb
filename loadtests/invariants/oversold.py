"""Oversold: no more units go than were put on sale. A key that was stored twice counts once; that is a duplicate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flashcrowd.verdict import Finding
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant, vacuous
from loadtests.invariants.sale import Lots
from loadtests.invariants.violation import EXAMPLES, Violation


class Oversold(Invariant):
    """Says nothing where no sale was held, and can't tell where less was wanted than there was."""

    def __init__(self, lots: Lots) -> None:
        self._lots = lots

    @property
    def violations(self) -> Iterable[Violation]:
        return [lot.beyond for lot in self._lots]

    def findings(self, facts: Facts) -> Iterator[Finding]:
        beyond = together(self.violations)
        told = sum(row.sold - row.initial for row in facts.stock if row.sold > row.initial)
        beyond.count = max(beyond.count, told)
        if not self._lots and not beyond.count:
            return
        if not beyond.count and not any(lot.contested for lot in self._lots):
            wanted = ", ".join(f"{lot.wanted} of {lot.stock} {lot.name}" for lot in self._lots)
            yield vacuous("oversold", f"nothing was wanted beyond the stock ({wanted} wanted): send more viewers")
            return
        yield beyond.finding(
            "oversold",
            f"{beyond.count} units were sold beyond the stock: {self._lots}",
            f"nothing was sold beyond the stock: {self._lots}",
        )


def together(violations: Iterable[Violation]) -> Violation:
    """Several violations as one, with the first examples of all."""
    whole = Violation()
    for violation in violations:
        whole.count += violation.count
        whole.examples += violation.examples[: EXAMPLES - len(whole.examples)]
    return whole
