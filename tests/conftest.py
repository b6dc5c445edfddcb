"""Two processes share the tests out: the game days, which mostly wait, go one after the other beside all others."""

from __future__ import annotations

from pathlib import Path

import pytest

GAME_DAYS = Path(__file__).parent / "endtoend"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if GAME_DAYS in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("game days"))
