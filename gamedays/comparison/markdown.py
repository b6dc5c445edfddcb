"""Markdown: a comparison that fits a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from flashcrowd.verdict import Outcome
from gamedays.comparison import text
from gamedays.comparison.compared import Compared
from gamedays.comparison.row import Call, Row
from gamedays.report.markdown import SIGNS, plain, table

CALLS = {Call.WORSE: "❌", Call.BETTER: "✅", Call.SAME: "·", Call.UNTOLD: "❔"}
WORDS = {Outcome.PASS: "nothing got worse", Outcome.FAIL: "something got worse", Outcome.INCONCLUSIVE: "nothing told"}


def write(found: Compared) -> str:
    """The comparison as GitHub-flavoured Markdown; what is the same is folded away."""
    changed = [row for row in found.rows if row.call is not Call.SAME]
    runs = ", ".join(f"`{run.name}`" for run in found.before)
    parts = [
        f"# {SIGNS[found.outcome]} {plain(found.now.story.plan.name)}: {WORDS[found.outcome]}",
        plain(found.headline),
        f"`{found.now.name}` beside {runs}",
        *([_rows(changed)] if changed else []),
        *_folded(f"{len(found.of(Call.SAME))} the same within chance and tolerance", found.of(Call.SAME)),
        *(["## What else differs", _changes(found)] if found.changes else []),
        *(plain(warning) for warning in found.warnings),
        plain(text.note(found)),
    ]
    return "\n\n".join(parts) + "\n"


def _rows(rows: Sequence[Row]) -> str:
    head = ("", "what", "before", "now", "why")
    return table(
        head, [(CALLS[row.call], f"{row.key.group}: {row.key.name}", row.before, row.now, row.why) for row in rows]
    )


def _folded(title: str, rows: Sequence[Row]) -> list[str]:
    return [f"<details><summary>{title}</summary>", _rows(rows), "</details>"] if rows else []


def _changes(found: Compared) -> str:
    return table(("", "before", "now"), [(change.path, change.before, change.now) for change in found.changes])
