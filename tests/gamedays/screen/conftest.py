from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from emulator import Emulator
from made_screens import START, state

from gamedays.planning.checks import Prepared, prepare
from gamedays.screen.figures import Figures
from gamedays.screen.layout import View


@pytest.fixture(scope="session")
def prepared() -> Prepared:
    return prepare("flash-sale-rehearsal")


@pytest.fixture
def view(prepared: Prepared) -> Callable[..., View]:
    """What is known so many seconds after the start; the words are fields of `View`."""

    def make(seconds: float, **fields: Any) -> View:
        figures = Figures((700.0, 1400.0, 1500.0), (20.0, 40.0), (12.0,), {slo.name: (1.0,) for slo in prepared.slos})
        usual = {"control": None, "state": state(seconds), "figures": figures, "now": START + seconds}
        return View(**{"plan": prepared.plan, "slos": prepared.slos, **usual, **fields})

    return make


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    it = Emulator()
    yield it
    it.close()
