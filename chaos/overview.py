"""Overview: what `chaos list`, `status` and `recover` print."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict

from chaos.catalogue import Kind, catalogue
from chaos.recovery import ActiveFault, Outcome, recover, status
from chaos.undolog import UndoLog
from flashcrowd.errors import UnhealedError


def kinds(as_json: bool) -> str:
    """The kinds of faults: what each does, its parameters, and why one can't work on this machine."""
    found = list(catalogue())
    if as_json:
        return json.dumps([kind.as_dict() for kind in found], indent=2, ensure_ascii=False)
    width = max(len(kind.name) for kind in found) + 2
    return "\n".join(line for kind in found for line in _kind(kind, width))


def active(as_json: bool) -> str:
    """What is broken on purpose now on this machine."""
    found = [row for log in UndoLog.everywhere() for row in status(log)]
    if as_json:
        return json.dumps([asdict(row) if isinstance(row, ActiveFault) else {"damaged": str(row)} for row in found])
    if not found:
        return "nothing is broken on purpose on this machine"
    return "\n".join(_line(row) if isinstance(row, ActiveFault) else str(row) for row in found)


async def heal() -> str:
    """Heal what nobody looks after, and tell it. Raises UnhealedError when something is left."""
    found = [row for log in UndoLog.everywhere() for row in await recover(log)]
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
        keeper = f"nobody looks after it: flashcrowd chaos recover, or by hand: {row.by_hand}; else, {row.holds}"
    trouble = f" · {row.trouble}" if row.trouble else ""
    return f"{row.description} · {until} · {keeper}{trouble}"


def _kind(kind: Kind, width: int) -> Iterator[str]:
    """What it does, what is typed (in brackets what may be left out), and whether it works here."""
    options = [f"--set {name}=..." for name in kind.required] + [f"[--set {name}=...]" for name in kind.optional]
    yield f"{kind.name:<{width}}{kind.does}"
    yield from textwrap.wrap(" ".join(options), 100, initial_indent=" " * width, subsequent_indent=" " * width)
    if kind.obstacle is not None:
        yield f"{'':<{width}}can't work here: {kind.obstacle}"
