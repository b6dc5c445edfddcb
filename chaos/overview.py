"""Overview: what `chaos list`, `status` and `recover` print."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

from pydantic.fields import FieldInfo

from chaos.faults import KINDS
from chaos.recovery import ActiveFault, Outcome, recover, status
from chaos.undolog import UndoLog
from flashcrowd.errors import UnhealedError

COMMON = {"kind", "on", "duration"}


def kinds(as_json: bool) -> str:
    """The kinds of faults with their parameters."""
    if as_json:
        rows = [{"kind": name, "does": _does(name), "parameters": _parameters(name)} for name in KINDS]
        return json.dumps(rows, indent=2, ensure_ascii=False)
    return "\n".join(f"{name:<20}{_does(name)}\n{'':<20}{' '.join(_options(name))}" for name in KINDS)


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
    """What the kind's module says that it is, after its name."""
    first = (sys.modules[KINDS[kind].__module__].__doc__ or "").partition("\n")[0]
    return first.partition(": ")[2].rstrip(".")


def _parameters(kind: str) -> list[str]:
    return [field.alias or name for name, field in _fields(kind)]


def _options(kind: str) -> list[str]:
    """As they are typed, those in brackets that may be left out."""
    texts = [(f"--set {field.alias or name}=...", field.is_required()) for name, field in _fields(kind)]
    return [text if required else f"[{text}]" for text, required in texts]


def _fields(kind: str) -> list[tuple[str, FieldInfo]]:
    return [(name, field) for name, field in KINDS[kind].model_fields.items() if name not in COMMON]
