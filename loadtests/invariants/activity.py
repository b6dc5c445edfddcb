"""Activity: enough was tried for the rest to say anything; and the ledger was read when nothing went on any more."""

from __future__ import annotations

from collections.abc import Iterator

from flashcrowd.verdict import Finding, Outcome
from loadtests.invariants.facts import Facts
from loadtests.invariants.invariant import Invariant, vacuous


class Activity(Invariant):
    def findings(self, facts: Facts) -> Iterator[Finding]:
        total, accepted, minimum = facts.total, facts.accepted, facts.minimum
        evidence = {"orders": total, "accepted": accepted, "minimum": minimum}
        if total >= minimum and accepted:
            yield Finding("invariant/activity", Outcome.PASS, f"{total} orders were made", evidence)
        else:
            wanted = f"at least {minimum} are needed, one of them accepted, before their correctness says anything"
            yield vacuous("activity", f"{total} orders were made, {accepted} accepted; {wanted}", **evidence)


class Drained(Invariant):
    """Says nothing where nobody looked whether the ledger was at rest."""

    def findings(self, facts: Facts) -> Iterator[Finding]:
        if facts.settled:
            message = f"the ledger was at rest when it was read: {facts.stored} orders"
            yield Finding("invariant/drained", Outcome.PASS, message, {"stored": facts.stored})
        elif facts.settled is False:
            yield vacuous("drained", "the ledger was still changing when it was read: more may have come since")
