"""Asking: how long a link's far side takes to answer, seen by connections of our own that go through it."""

from __future__ import annotations

import asyncio
import statistics
import time

from flashcrowd.documents import Model

ASKED_AT_ONCE = 5


class Question(Model):
    """An HTTP request to a link's near end."""

    host: str
    port: int
    path: str

    def __str__(self) -> str:
        return f"GET {self.path} through {self.host}:{self.port}"

    async def median(self, timeout: float) -> float:
        """Seconds from the connection to the first byte of an answer, of whatever status: median of a few at once.

        Raises:
            OSError: one of them wasn't answered within the timeout (seconds); says why.
        """
        return statistics.median(await asyncio.gather(*(self._ask(timeout) for _ in range(ASKED_AT_ONCE))))

    async def _ask(self, timeout: float) -> float:
        start = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    writer.write(self._request())
                    answer = await reader.read(5)
                finally:
                    writer.close()
        except TimeoutError:
            raise OSError(f"no answer to {self} within {timeout:g} s") from None
        except OSError as error:
            raise OSError(f"no answer to {self}: {error.strerror or error}") from None
        if not answer:
            raise OSError(f"no answer to {self}: the connection was closed")
        return time.monotonic() - start

    def _request(self) -> bytes:
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = (
            f"GET {self.path} HTTP/1.1",
            f"Host: {host}:{self.port}",
            "User-Agent: flashcrowd",
            "Connection: close",
        )
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()
