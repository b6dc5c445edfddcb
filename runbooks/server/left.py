"""Left: what a mitigation that was cut off has left, read from its incident's audit."""

from __future__ import annotations

from pathlib import Path

from runbooks.unfinished import unfinished


def is_unfinished(audit: Path) -> bool:
    """Whether a run that acted has no end: nobody has gone on with it or taken it back."""
    return bool(unfinished(audit.parent))


def note(audit: Path, page: str) -> str:
    """What was done and may be in place, and how a person goes on from there. page: the runbook, as one types it."""
    records = unfinished(audit.parent)
    if not records:
        return "it was cut off; nothing of it is left in place"
    record = records[-1]
    step = f"; {record.under_way} was under way" if record.under_way is not None else ""
    place = ", ".join(record.in_place) or "nothing"
    ways = f"flashcrowd runbook run {page} --target FILE --execute --rollback {audit}, or --resume {audit}"
    return f"its mitigation was cut off{step}; in place, or may be: {place}. Go on with: {ways}"
