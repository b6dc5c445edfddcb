"""Live line: one line of a terminal that is written again and again while something is awaited.

Where there is no terminal, it is an ordinary line every 10 s.
"""

from __future__ import annotations

import time
from typing import TextIO

from runbooks.page import WIDTH

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class LiveLine:
    """At most one line; whoever writes anything else clears it before."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._shown, self._last = out, False, time.monotonic()

    def show(self, text: str) -> None:
        """Show the text, cut to the width, in place of what was shown before."""
        text = text[: WIDTH - 1]
        if self._out.isatty():
            self._out.write(f"\r\x1b[K{text}")
            self._shown = True
        elif time.monotonic() - self._last >= EVERY:
            self._out.write(f"{text}\n")
            self._last = time.monotonic()
        self._out.flush()

    def clear(self) -> None:
        self._last = time.monotonic()
        if self._shown:
            self._out.write("\r\x1b[K")
            self._shown = False
