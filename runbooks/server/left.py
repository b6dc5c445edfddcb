"""Left: what a mitigation that was cut off has left, read from its incident's audit."""

from __future__ import annotations

from pathlib import Path

from runbooks.locks import held
from runbooks.unfinished import runs_of, without_end


def is_unfinished(audit: Path) -> bool:
    """Whether a run that acted has no end: nobody has gone on with it or taken it back, or not to the end yet."""
    return bool(without_end(audit.parent))


def note(audit: Path, page: str) -> str:
    """What was done and may be in place, and how a person goes on from there. page: the runbook, as one types it."""
    acted = [record for record in runs_of(audit) if record.execute]
    if not acted:
        return "it was cut off before its mitigation was begun; nothing of it is in place"
    record = acted[-1]
    step = f"; {record.under_way} was under way" if record.under_way is not None else ""
    place = ", ".join(record.in_place) or "nothing"
    if record.outcome is not None:
        return f"it was cut off when its mitigation had ended ({record.outcome.replace('_', ' ')}); in place: {place}"
    if held(audit, record.run):
        return f"its mitigation was cut off{step}, and somebody is going on with it now"
    ways = f"flashcrowd runbook run {page} --target FILE --execute --rollback {audit}, or --resume {audit}"
    return f"its mitigation was cut off{step}; in place, or may be: {place}. Go on with: {ways}"
