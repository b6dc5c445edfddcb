"""A terminal without a window: a real pseudo-terminal, and behind it an emulator whose screen can be read."""

from __future__ import annotations

import copy
import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Callable
from typing import Any

import pyte

ALTERNATE = 1049


class Screen(pyte.Screen):
    """pyte's, with an alternate screen, and a count of the lines that were lost at the top."""

    scrolled = 0
    alternate = False

    def index(self) -> None:
        self.scrolled += self.cursor.y == self.lines - 1
        super().index()

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        super().set_mode(*modes, **kwargs)
        if kwargs.get("private") and ALTERNATE in modes:
            self.alternate, self._kept = True, (copy.deepcopy(self.buffer), self.cursor.y, self.cursor.x)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        super().reset_mode(*modes, **kwargs)
        if kwargs.get("private") and ALTERNATE in modes and self.alternate:
            self.alternate, (buffer, self.cursor.y, self.cursor.x) = False, self._kept
            self.buffer.clear()
            self.buffer.update(buffer)


class Emulator:
    """device: the file descriptor of the pseudo-terminal, for whoever is to draw on it."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self._keyboard, self.device = pty.openpty()
        os.set_blocking(self._keyboard, False)
        self.screen = Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._size(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        self._size(columns, lines)

    def type(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    @property
    def rows(self) -> list[str]:
        """The screen's lines now, without what is empty at their ends."""
        while select.select([self._keyboard], [], [], 0)[0]:
            try:
                self._stream.feed(os.read(self._keyboard, 65_536))
            except OSError:  # nobody has the device open any more
                break
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._keyboard)[3] & termios.ECHO)

    def until(self, condition: Callable[[], object], timeout: float = 30.0) -> None:
        """Until it holds of what is seen; shows the screen when it doesn't."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, self.text
            time.sleep(0.02)

    def close(self) -> None:
        for fd in (self._keyboard, self.device):
            os.close(fd)

    def _size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
