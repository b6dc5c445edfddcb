"""Markdown: a coverage for a wiki."""

from __future__ import annotations

from collections.abc import Iterator

from gamedays.coverage import words
from gamedays.coverage.coverage import Coverage
from gamedays.coverage.hole import Close
from gamedays.report.markdown import plain, table


def write(found: Coverage) -> str:
    """The coverage as GitHub-flavoured Markdown."""
    parts = [f"# Coverage of {plain(found.subject.name)}", f"{plain(words.rehearsed(found))}.", *_matrix(found)]
    parts += [table(("", "seen"), list(words.totals(found)))]
    parts += [f"## Holes: {words.counted(found)}", *_holes(found)]
    return "\n\n".join(parts) + "\n"


def _matrix(found: Coverage) -> list[str]:
    if not found.cells:
        return []
    head = ("fault", "SLO → alert → runbook", *words.HEAD, "")
    rows = [
        (
            cell.fault,
            words.way(cell.latest),
            *words.figures(cell),
            words.state(found, cell),
        )
        for cell in found.cells
    ]
    return ["## Rehearsed", table(head, rows), plain(words.NOTE)]


def _holes(found: Coverage) -> Iterator[str]:
    for number, hole in enumerate(found.holes, 1):
        yield f"{number}. **{hole.risk}** {plain(words.fact(hole))}{_close(hole.close)}"


def _close(close: Close) -> str:
    """What would close a hole, as part of its item in the list."""
    lines = ["```sh", close.command, "```"] if close.command else []
    lines += ["```yaml", *close.step, "```"] if close.step else []
    first = f" · {plain(close.first)}{':' if lines else ''}" if close.first else ""
    return first + "".join(f"\n    {line}" for line in lines)
