"""Display: a run while it goes on. On a terminal one screen that stays in place; elsewhere plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from flashcrowd import interrupt
from gamedays.gameday import Screen
from gamedays.plan import Control, Plan
from gamedays.planning.checks import Prepared
from gamedays.screen import layout, terminal
from gamedays.screen.live import LiveScreen
from gamedays.screen.plain import PlainScreen
from monitors.slo import Slo


def of_run(prepared: Prepared) -> AbstractContextManager[Screen]:
    """A screen for the playing of a plan."""
    return display(prepared.plan, prepared.slos, prepared.control)


@contextmanager
def display(plan: Plan, slos: Sequence[Slo], control: Control | None = None) -> Iterator[Screen]:
    """A screen for standard error: a live one on a terminal of at least 80×24 that can have one, else plain lines."""
    live = terminal.fits(layout.WIDTH, layout.HEIGHT)
    screen = LiveScreen(plan, slos, control, terminal.Terminal()) if live else PlainScreen(slos)
    with interrupt.heard_by(screen.signalled):
        try:
            yield screen
        finally:
            screen.close()
