"""Load worker: a share of a load that another machine leads; `flashcrowd load worker` in code."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from flashcrowd.process import Supervisor
from loadtests import recruits


async def play(master: str, workers: int, scenario: str | None, connect_from: Sequence[str]) -> None:
    """As `recruits.work`; its logs end with it, and the master has everything else."""
    with tempfile.TemporaryDirectory(prefix="flashcrowd-") as logs:
        async with Supervisor(Path(logs)) as supervisor:
            await recruits.work(supervisor, master, workers, scenario, connect_from)
