"""Four processes share the tests out, file by file: `make test` says so with -n 4, as most of them wait.

The game days, which take the longest, begin first and go one after the other, beside all others. Each process has ports
of its own.
"""

from __future__ import annotations

import os
import sys

import pytest
from xdist.scheduler import LoadFileScheduling

GAME_DAYS = "tests/endtoend/"
LONG = (GAME_DAYS, "tests/storefront/")
"""What begins first, since it would be waited for at the end."""

PORTS = {"gw0": "10240-15699", "gw1": "15700-21099", "gw2": "21100-26499", "gw3": "26500-31999"}

# Hundreds of children import the same modules, and four processes the same tests: compiled once, not each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

if (ports := PORTS.get(os.environ.get("PYTEST_XDIST_WORKER", ""))) is not None:
    os.environ["FLASHCROWD_PORTS"] = ports


class GameDaysTogether(LoadFileScheduling):
    """One process plays all game days: two at a time would blame each other's load on the crowd."""

    def _split_scope(self, nodeid: str) -> str:
        return GAME_DAYS if nodeid.startswith(GAME_DAYS) else super()._split_scope(nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((n for n, part in enumerate(LONG) if item.nodeid.startswith(part)), len(LONG)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> GameDaysTogether:
    return GameDaysTogether(config, log)
