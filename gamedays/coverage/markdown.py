"""Markdown: a coverage for a wiki."""

from __future__ import annotations

from collections.abc import Iterator

from gamedays.coverage import words
from gamedays.coverage.coverage import Coverage
from gamedays.coverage.hole import Hole
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
        yield f"{number}. **{hole.risk}** {plain(words.fact(hole))}" + _close(hole)


def _close(hole: Hole) -> str:
    close, lines = hole.close, list[str]()
    if close.first:
        lines.append(plain(f"{close.first}:" if close.command or close.step else close.first))
    if close.command:
        lines += ["```sh", close.command, "```"]
    if close.step:
        lines += ["```yaml", *close.step, "```"]
    return "".join(f"\n   {line}" for line in lines)
