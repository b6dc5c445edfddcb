"""Keyboard: what a person types on a terminal, line by line."""

from __future__ import annotations

import asyncio
import os


class Keyboard:
    """Lines from a descriptor, without a thread: one that waits for a key could not be ended by Ctrl-C."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._rest = descriptor, b""

    async def line(self) -> str | None:
        """The next line, or None at the end of the input."""
        while b"\n" not in self._rest:
            chunk = await self._read()
            if not chunk:
                return None
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", errors="replace")

    async def _read(self) -> bytes:
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._descriptor, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._descriptor)
        try:
            return os.read(self._descriptor, 4096)
        except OSError:  # the terminal is gone
            return b""
