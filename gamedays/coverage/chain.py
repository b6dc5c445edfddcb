"""Chain: fault → alert → runbook → recovery → credit of one cell; its hole is the first link that is missing.

The latest rehearsal counts. A ticket calls nobody during a game day: of its SLO only what the plan expects is asked.
"""

from __future__ import annotations

from gamedays.coverage.cell import Cell
from gamedays.coverage.fresh import age, changes, day, over
from gamedays.coverage.hole import Close, Gap, Hole
from gamedays.coverage.plans import Plans
from gamedays.coverage.row import Row
from gamedays.coverage.subject import Subject

Missing = tuple[Gap, str, str]
"""What is missing: which gap, in words, and what has to be done before it is rehearsed again."""


def hole(cell: Cell, subject: Subject, plans: Plans, now: float) -> Hole | None:
    """What is missing in a cell; None where its chain is whole, or where it hit no SLO."""
    row, slo = cell.latest, subject.slo(cell.slo)
    if slo is None or row.severity is None:
        return None
    found = _missing(row, cell.proof) or _aged(cell.proof, subject, now)
    if found is None:
        return None
    gap, text, first = found
    again = plans.named(row.plan)
    close = again.again(first) if again is not None else Close(f"flashcrowd gameday run {row.plan}", first=first)
    if not row.expected and found[0] is Gap.UNPROVED:
        close = Close(step=(f"expect: {{slo: {row.slo}}}",), first=f"in {row.plan}, at {row.fault}")
    name = f"{row.fault} → {row.slo}"
    return Hole(gap, "fault", name, text, close, row.severity, slo.objective, over(cell.proof, subject, now))


def _missing(row: Row, proof: Row) -> Missing | None:
    if not row.complete:
        return Gap.NEVER, "was only seen in runs that were broken off", ""
    if not row.expected and row.severity == "page":
        return Gap.UNPROVED, f"{row.alert} fired, and no plan expects it", ""
    if not row.trusted:
        return Gap.UNPROVED, f"on {day(row.at)}, the load generator could not be trusted", ""
    if row.outcome == "fail":
        return Gap.WRONG, f"on {day(row.at)}, {row.missed}", "mend it"
    if row.outcome == "inconclusive" and row.missed:
        return Gap.UNPROVED, f"on {day(row.at)}, {row.missed}", ""
    return _called(row, proof) if row.severity == "page" else None


def _called(row: Row, proof: Row) -> Missing | None:
    """What is missing after the page, though the plan asks for no more."""
    if not row.fired:
        why = f": {row.silenced}" if row.silenced else ""
        return Gap.WRONG, f"{row.alert} called nobody on {day(row.at)}{why}", "mend its rule, or break more"
    if row.runbook is None:
        return None  # the alert's own hole
    if row.followed is None:
        return Gap.NEVER, f"{row.alert} fired and {row.runbook} was not followed", ""
    if row.recovered is None:
        return Gap.WRONG, f"with {row.followed} followed there was no recovery before the fault healed", "mend it"
    if proof.credit is False:
        return Gap.WRONG, f"{row.followed} has no credit: {proof.why}", "mend the runbook or the alert"
    if proof.credit is None:
        return Gap.UNPROVED, f"recovered, and nobody knows whether {row.followed} did it: {proof.why}", ""
    return None


def _aged(row: Row, subject: Subject, now: float) -> Missing | None:
    changed = ", ".join(changes(row, subject))
    if changed:
        return Gap.OLD, f"proved on {day(row.at)}; {changed}", ""
    if over(row, subject, now) > 1:
        return Gap.OLD, f"proved {age(row, subject, now)}", ""
    return None
