"""`flashcrowd demo`: the built-in game day on the embedded storefront."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from commands.gameday import Out, run

PLAN = "flash-sale-rehearsal"


def demo(out: Annotated[Path, Out] = Path("runs")) -> None:
    """Rehearse a flash sale on an embedded storefront: two minutes, a fault, a page, a runbook, a verdict."""
    run(PLAN, out=out)
