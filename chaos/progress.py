"""Progress: what a person sees while a fault is held: lines for what happened, and how long it will last."""

from __future__ import annotations

import math
import time
from types import TracebackType

from rich.console import Console
from rich.status import Status

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class Progress:
    """On a terminal the last line counts down in its place; elsewhere a line now and then."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        self._status: Status | None = None
        self._told = -math.inf

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def line(self, text: str) -> None:
        """Something happened."""
        self._end()
        self._console.print(text)

    def holding(self, name: str, left: float) -> None:
        """The fault will be healed in `left` seconds; to be called every second."""
        text = f"holding {name}, {math.ceil(left)} s left; Ctrl-C heals it now"
        if self._console.is_terminal:
            self._status = self._status or self._console.status(text)
            self._status.start()
            self._status.update(text)
        elif time.monotonic() - self._told >= EVERY:
            self._told = time.monotonic()
            self._console.print(text)

    def _end(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
