"""Choice: what is known of a run that was cut off, in words, and the ways to go from there."""

from __future__ import annotations

import textwrap
import time
from datetime import datetime
from enum import StrEnum

from flashcrowd.errors import InputError
from runbooks.execution import State
from runbooks.page import WIDTH, ago
from runbooks.records import Record


class Way(StrEnum):
    """What to do about a run that was cut off."""

    RESUME = "resume"
    BACK = "back"
    NEW = "new"
    QUIT = "quit"


WAYS = {
    "r": (Way.RESUME, "goes on with it: no step that has ended is done twice"),
    "b": (Way.BACK, "takes back what may be in place, the last step first"),
    "n": (Way.NEW, "begins anew and leaves in place what is; it can be rolled back later"),
    "q": (Way.QUIT, "does nothing"),
}


def account(record: Record) -> list[str]:
    """What was done in the run, in lines of 80 columns."""
    how = "was stopped" if record.interrupted else "was cut off"
    began = datetime.fromisoformat(record.began)
    at = f", at {record.target}" if record.target else ""
    head = f"{record.runbook} {how}: begun by {record.who} at {began:%H:%M:%S} UTC, {ago(_age(began))}{at}"
    lines = textwrap.wrap(head, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    lines += _fact("done", ", ".join(_done(record)) or "nothing")
    if record.under_way is not None:
        harmless = record.under_way not in record.in_place and record.turned is None
        far = ", which changes nothing" if harmless else ": nobody knows how far it came"
        lines += _fact("under way", f"{record.under_way}{far}")
    if record.turned is not None:
        lines += _fact("rolling back", record.turned)
    for step, undo in record.in_place.items():
        words = f"{step}, undone by {undo}" if undo else f"{step}; the page has no undo for it"
        lines += _fact("maybe in place" if step == record.under_way else "in place", words)
    return [*lines, *_fact("audit", str(record.file))]


def refusal(records: list[Record], runbook: str) -> InputError:
    """The words for whoever can't be asked."""
    lines = [line for record in records for line in account(record)]
    file, name = records[-1].file, f"flashcrowd runbook run {runbook}"
    lines += [
        "nothing was done now; to go on, say how:",
        f"  {name} --resume {file}",
        f"  {name} --rollback {file}",
        f"  {name} --execute --anew     leaves what is in place and begins a new run",
    ]
    return InputError("\n".join(lines))


def _done(record: Record) -> list[str]:
    words = {State.MATCHED: " (matched)", State.NOT_MATCHED: " (no)", State.FAILED: " (failed)"}
    words[State.SKIPPED] = " (skipped)"
    return [f"{name}{words.get(result.state, '')}" for name, result in record.finished.items()]


def _fact(name: str, words: str) -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=f"  {name:<14} ", subsequent_indent=" " * 17, break_on_hyphens=False
    )


def _age(began: datetime) -> float:
    return max(0.0, time.time() - began.timestamp())
