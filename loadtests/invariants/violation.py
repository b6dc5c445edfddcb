"""Violation: how often an invariant was broken, and the first ten orders that broke it, with all that traces them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flashcrowd.verdict import Finding, Outcome
from loadtests.history import OrderRecord
from loadtests.ledger import LedgerEntry

EXAMPLES = 10

Example = dict[str, Any]
"""One order: key, user, order_id, sku, quantity; and from the history start, end, outcome, status, traceparent."""


class Violation:
    """Counts, and keeps examples. `count` is in whatever the invariant counts: orders or units."""

    __slots__ = ("count", "examples")

    def __init__(self) -> None:
        self.count = 0
        self.examples = list[Example]()

    def stored(self, entry: LedgerEntry, units: int = 1, order_id: str = "") -> None:
        """An order of the ledger broke it; its trace is told by `trace` later, if a viewer of ours made it."""
        self.count += units
        if len(self.examples) < EXAMPLES:
            self.examples.append(
                {
                    "key": entry.key,
                    "user": entry.user,
                    "order_id": order_id or entry.order_id,
                    "sku": entry.sku,
                    "quantity": entry.quantity,
                    "sale_id": entry.sale_id,
                }
            )

    def seen(self, record: OrderRecord, units: int = 1, **more: object) -> None:
        """An order of the history broke it."""
        self.count += units
        if len(self.examples) < EXAMPLES:
            self.examples.append(traced({"key": record.key, "order_id": record.order_id, **more}, record))

    def finding(self, name: str, broken: str, held: str, **more: object) -> Finding:
        """A fail if it was broken even once."""
        outcome, message = (Outcome.FAIL, broken) if self.count else (Outcome.PASS, held)
        return Finding(f"invariant/{name}", outcome, message, {"count": self.count, "orders": self.examples, **more})


def traced(example: Example, record: OrderRecord) -> Example:
    """The example with what the viewer knows of it, in place."""
    example |= {
        "user": record.user,
        "sku": record.sku,
        "quantity": record.quantity,
        "outcome": record.outcome.value,
        "reason": record.reason,
        "status": record.status,
        "attempts": record.attempts,
        "start": record.start,
        "end": record.end,
        "traceparent": record.traceparent,
    }
    return example


def untraced(violations: Iterator[Violation]) -> dict[str, list[Example]]:
    """The examples that only the ledger has told of so far, by their key."""
    found = dict[str, list[Example]]()
    for violation in violations:
        for example in violation.examples:
            found.setdefault(example["key"], []).append(example)
    return found
