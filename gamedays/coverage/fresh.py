"""Fresh: whether what a rehearsal proved is still so: not too long ago, and of the same runbook, SLO and target."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from flashcrowd.units import format_duration
from gamedays.coverage.row import Row
from gamedays.coverage.subject import Subject
from gamedays.evidence.fingerprints import of_rules
from runbooks.lint.evidence import LIMIT

DAY = 86_400.0


def changes(row: Row, subject: Subject) -> Iterator[str]:
    """What is another by now than it was then; what a run doesn't say, or what can't be read here, is none."""
    page, slo = subject.page(row.followed), subject.slo(row.slo)
    if page is not None and _differ(page.fingerprint, row.fingerprint):
        yield f"the steps of {page.name} have changed since"
    if slo is not None and _differ(of_rules([slo]), row.rules):
        yield f"the SLO {slo.name} has changed since"
    if _differ(subject.target_print, row.target):
        yield "the target has changed since"


def over(row: Row, subject: Subject, now: float) -> float:
    """Its age as a multiple of what is allowed: of the runbook's `rehearse_every`, or of 90 days."""
    return max(0.0, now - row.at) / _every(row, subject)


def age(row: Row, subject: Subject, now: float) -> str:
    """As `95 days ago, every 90d wanted`."""
    return f"{ago(row.at, now)}, every {format_duration(_every(row, subject))} wanted"


def ago(at: float, now: float) -> str:
    """How long ago, in whole days, or hours, or minutes."""
    passed = max(0.0, now - at)
    for size, word in ((DAY, "day"), (3600.0, "hour"), (60.0, "minute")):
        if (count := int(passed // size)) > 0:
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "just now"


def day(at: float) -> str:
    """As `2026-11-26`, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _every(row: Row, subject: Subject) -> float:
    page = subject.page(row.followed or row.runbook)
    return page.every if page is not None else LIMIT


def _differ(now: str | None, then: str | None) -> bool:
    return now is not None and then is not None and now != then
