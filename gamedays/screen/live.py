"""Live: the display that stays in place while a run goes on, and the lines that follow when the run is ended early.

begins ──► display, painted twice a second and when something happens
              │ a signal, or the run is stopping
              ▼
           lines below what was there before
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.text import Text

from flashcrowd.errors import FlashcrowdError
from flashcrowd.rundir import Event
from gamedays.plan import Control, Plan
from gamedays.screen.figures import Figures, asked
from gamedays.screen.layout import View, frame
from gamedays.screen.state import State
from gamedays.screen.stopping import Stopping
from gamedays.screen.terminal import Terminal
from monitors.prometheus import Prometheus
from monitors.slo import Slo

ASK_EVERY = 1.0
PAINT_EVERY = 0.5
"""Seconds; the clock goes by whole ones."""

LOOK_EVERY = 0.1
"""Seconds between looks whether there is something new, or the terminal has another size."""

LOG = "flashcrowd.log"
"""In the run directory's `logs/`: what this process, its libraries and its children print while the display is up."""

PATIENCE = 2.0
"""Seconds that a terminal which takes nothing may hold up the end."""


class LiveScreen:
    """Draws from a thread of its own: neither a slow terminal nor a frame that fails holds up the game day.

    clock: gives the unix time.
    """

    def __init__(
        self,
        plan: Plan,
        slos: Sequence[Slo],
        control: Control | None,
        terminal: Terminal,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._plan, self._slos, self._control, self._terminal, self._clock = plan, slos, control, terminal, clock
        self._state, self._figures = State(), Figures()
        self._stopping: Stopping | None = None
        self._said: deque[str] = deque()
        self._changed, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._draw, name="display", daemon=True)

    def begins(self, folder: Path) -> None:
        """The run has its directory: the display opens."""
        self._terminal.open(folder / "logs" / LOG)
        self._thread.start()

    def event(self, event: Event) -> None:
        self._state = self._state.after(event)
        if self._state.stage == "stopping" and self._stopping is None:
            self._stop()
        elif self._stopping is not None:
            self._say(self._stopping.event(event))
        self._changed.set()

    async def watch(self, prometheus: Prometheus) -> None:
        while True:
            with contextlib.suppress(FlashcrowdError):
                self._figures = await asked(self._figures, self._slos, prometheus)
            await asyncio.sleep(ASK_EVERY)

    def signalled(self, count: int) -> None:
        """A signal that ends the run; how often it comes makes no difference."""
        if self._stopping is None:
            self._stop()
        else:
            self._say(self._stopping.again())

    def saved(self, report: Path, when: str) -> None:
        """What there is has been saved, although the run was interrupted."""
        self._say(f"saved what there is: {report} ({when})\n")

    def close(self) -> None:
        """Give the terminal back. May be called before it was taken."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self._terminal.release()
        else:
            self._terminal.close()

    def _stop(self) -> None:
        """From now on there are lines instead of a display."""
        state = self._state
        broken = {key: fault.name for key, fault in state.broken.items()}
        self._stopping = Stopping(broken, self._clock(), state.stage)
        self._say(self._stopping.begins)

    def _say(self, text: str) -> None:
        if text:
            self._said.append(text)
            self._changed.set()

    def _draw(self) -> None:
        """The thread: the only one that writes to the terminal once that is open."""
        self._terminal.enter()
        painted, size = 0.0, (0, 0)
        while not self._over.wait(LOOK_EVERY):
            due = time.monotonic() - painted >= PAINT_EVERY
            if self._stopping is not None:
                self._tell()
            elif due or self._changed.is_set() or size != self._terminal.size:
                self._changed.clear()
                size = self._terminal.size
                self._terminal.paint(self._frame(*size))
                painted = time.monotonic()
        self._tell()

    def _tell(self) -> None:
        self._terminal.leave()
        while self._said:
            self._terminal.write(self._said.popleft())

    def _frame(self, width: int, height: int) -> list[Text]:
        view = View(
            self._plan,
            self._slos,
            self._control,
            self._state,
            self._figures,
            self._clock(),
            self._terminal.aside.latest,
        )
        try:
            return frame(view, width, height)
        except Exception as error:  # the next one may work, and the game day goes on without any
            return [Text(f"{self._plan.name}: this frame can't be drawn: {error!r}")]
