"""Terminal: the one that standard error is, for as long as a display has it.

open     no echo, no Ctrl-Z; whatever else this process or a child of it prints goes to a file
enter ─► the alternate screen: what was there comes back at the end; no wrapping
paint    the lines, from the top
leave ─► the terminal as it was; what is said now goes below what was there
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleDimensions
from rich.text import Text

from gamedays.screen.aside import STDERR, Aside

CLEAR = "\x1b[2J"
ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
"""The alternate screen, without a cursor, cutting long lines off instead of wrapping them."""

LEAVE = "\x1b[2J\x1b[H\x1b[?7h\x1b[?25h\x1b[?1049l"
"""The other way; a terminal without an alternate screen is left empty."""


def fits(width: int, height: int, fd: int = STDERR) -> bool:
    """Whether a display can have standard error: a terminal of that size that moves its cursor, and is ours.

    A job in the background would draw over the shell's own lines, and be stopped for it.
    """
    if not os.isatty(fd) or os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return False
    if (sys.stderr.encoding or "").lower().replace("-", "") != "utf8":
        return False
    with contextlib.suppress(OSError):
        if os.tcgetpgrp(fd) != os.getpgrp():
            return False
    columns, lines = os.get_terminal_size(fd)
    return columns >= width and lines >= height


class Terminal:
    """fd: the terminal. aside: what others print goes there meanwhile.

    A terminal that is gone is no error: nobody looks at it. One that takes nothing holds up whoever writes to it; only
    `open` and `release` don't, which is why a display has a thread of its own.
    """

    def __init__(self, fd: int = STDERR, aside: Aside | None = None) -> None:
        self._fd, self.aside = os.dup(fd), aside or Aside()
        self._before: list[Any] | None = None
        self._open, self._size = False, (0, 0)
        self._console = Console(file=io.StringIO(), force_terminal=True, highlight=False)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, now."""
        try:
            columns, lines = os.get_terminal_size(self._fd)
        except OSError:
            return self._size
        return (columns, lines) if columns and lines else self._size

    def open(self, log: Path) -> None:
        """Take the terminal, of which nothing is seen yet. log: the file for what others print."""
        self.aside.divert(log)
        with contextlib.suppress(termios.error):
            self._before, quiet = termios.tcgetattr(self._fd), termios.tcgetattr(self._fd)
            quiet[0] &= ~termios.IXON
            quiet[3] &= ~(termios.ECHO | termios.ICANON)  # what is typed would be written into the display
            quiet[6][termios.VSUSP] = bytes([os.fpathconf(self._fd, "PC_VDISABLE")])  # who is stopped can't heal
            termios.tcsetattr(self._fd, termios.TCSANOW, quiet)

    def enter(self) -> None:
        """Show an empty screen."""
        self._open = True
        self.write(ENTER)

    def paint(self, lines: Sequence[Text]) -> None:
        """Show these lines, whole, and nothing else."""
        size = self.size
        clear = CLEAR if size != self._size else ""
        self._size = width, height = size
        self._console.size = ConsoleDimensions(width, height)
        parts = [self._line(number, line, width) for number, line in enumerate(lines[:height], 1)]
        rest = f"\x1b[{len(parts) + 1};1H\x1b[J" if len(parts) < height else ""
        self.write(clear + "".join(parts) + rest)

    def write(self, text: str) -> None:
        """Write this as it is."""
        left = text.encode("utf-8", "replace")
        with contextlib.suppress(OSError):
            while left:
                left = left[os.write(self._fd, left) :]

    def leave(self) -> None:
        """Give the screen back; what others print goes there again. May be repeated."""
        if self._open:
            self._open = False
            self.write(LEAVE)
            self.write(self.aside.summary)
            self.aside.restore()

    def release(self) -> None:
        """Give back what can be given without writing. What was typed meanwhile was typed at the display."""
        self.aside.restore()
        if self._before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
                termios.tcflush(self._fd, termios.TCIFLUSH)

    def close(self) -> None:
        """Leave, and give everything back. May be repeated."""
        if self._fd < 0:
            return
        self.leave()
        self.release()
        self.aside.close()
        os.close(self._fd)
        self._fd = -1

    def _line(self, number: int, line: Text, width: int) -> str:
        with self._console.capture() as captured:
            self._console.print(line, end="", soft_wrap=True)
        erase = "\x1b[K" if line.cell_len < width else ""  # in the last column it would erase the last character
        return f"\x1b[{number};1H{captured.get()}\x1b[0m{erase}"
