"""Overview: what `chaos list`, `status` and `recover` print."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from inspect import getdoc

from chaos.faults import KINDS
from chaos.recovery import ActiveFault, Outcome, recover, status
from chaos.undolog import UndoLog
from flashcrowd.errors import UnhealedError

COMMON = {"kind", "on", "duration"}


def kinds(as_json: bool) -> str:
    """The kinds of faults with their parameters."""
    rows = [{"kind": name, "does": _does(name), "parameters": _parameters(name)} for name in KINDS]
    if as_json:
        return json.dumps(rows, indent=2)
    return "\n".join(f"{row['kind']:<20}{row['does']}\n{'':<20}--set {' '.join(row['parameters'])}" for row in rows)


def active(as_json: bool) -> str:
    """What is broken on purpose now on this machine."""
    found = status(UndoLog.default())
    if as_json:
        return json.dumps([asdict(row) if isinstance(row, ActiveFault) else {"damaged": str(row)} for row in found])
    if not found:
        return "nothing is broken on purpose on this machine"
    return "\n".join(_line(row) if isinstance(row, ActiveFault) else str(row) for row in found)


async def heal() -> str:
    """Heal what nobody looks after, and tell it. Raises UnhealedError when something is left."""
    found = await recover(UndoLog.default())
    text = "\n".join(f"{row.outcome.value:<9}{row.message}" for row in found) or "nothing to heal"
    if any(row.outcome in (Outcome.FAILED, Outcome.DAMAGED) for row in found):
        raise UnhealedError(text)
    return text


def _line(row: ActiveFault) -> str:
    left = row.expires_at - time.time()
    until = f"heals in {left:.0f} s" if left > 0 else f"should have healed {-left:.0f} s ago"
    if row.injector_alive:
        keeper = f"held by process {row.injector}"
    elif row.reverter_alive:
        keeper = "its injector is gone, its reverter is healing it"
    else:
        keeper = f"nobody looks after it: flashcrowd chaos recover, or by hand: {row.by_hand}"
    trouble = f" · {row.trouble}" if row.trouble else ""
    return f"{row.description} · {until} · {keeper}{trouble}"


def _does(kind: str) -> str:
    return (getdoc(KINDS[kind]) or "").partition("\n")[0]


def _parameters(kind: str) -> list[str]:
    fields = KINDS[kind].model_fields
    return [f"{field.alias or name}=..." for name, field in fields.items() if name not in COMMON]
