"""Left: what a run that was cut off has left, read from its audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def is_unfinished(audit: Path) -> bool:
    """Whether the last run that acted has no end."""
    return _last(audit) is not None


def note(audit: Path) -> str:
    """What was done and may be in place, and how a person goes on from there, in a sentence."""
    rows = _last(audit)
    if rows is None:
        return "it was cut off; nothing was done to the platform"
    changed = [row["step"] for row in rows if row["kind"] == "start" and row.get("section") == "Mitigation"]
    if rows[-1]["kind"] == "interrupted":
        changed = list(rows[-1]["in_place"])
    names = ", ".join(dict.fromkeys(changed)) or "nothing"
    how = f"flashcrowd runbook run {rows[0]['runbook']} --resume {audit}, or --rollback {audit}"
    return f"its mitigation was cut off; done or begun: {names}. Go on with: {how}"


def _last(audit: Path) -> list[dict[str, Any]] | None:
    """The lines of the last run that acted, when it has no `finish`."""
    rows: list[dict[str, Any]] = []
    for line in audit.read_text(encoding="utf-8", errors="replace").split("\n") if audit.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row.get("kind") == "begin" and row.get("execute"):
            rows = []
        rows.append(row)
    runs = [row["run"] for row in rows if row.get("kind") == "begin" and row.get("execute")]
    own = [row for row in rows if runs and row.get("run") == runs[-1]]
    return own if own and own[-1]["kind"] != "finish" else None
