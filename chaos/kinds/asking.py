"""Asking: what connections of our own see that go through a link, with HTTP where it speaks that."""

from __future__ import annotations

import asyncio
import math
import re
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from flashcrowd.documents import Model

ASKED_AT_ONCE = 5
MOST_AT_ONCE = 60

APART = 0.01
"""Seconds between the starts of connections asked: a backlog is short (five in Python's http.server), and one that
overflows looks like a fault of a second, in which the client's kernel tries again."""

HEAD = 2**16
"""Bytes of an answer in which its HTTP head is looked for."""

MISSED = 0.001
"""How likely it may be that none of the connections asked is among a share of all; more so below a share of 11 %,
where more than MOST_AT_ONCE would be needed."""

_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def enough(share: float) -> int:
    """How many connections to ask so that one of them is almost surely among this share of all."""
    if share >= 1:
        return ASKED_AT_ONCE
    return max(ASKED_AT_ONCE, min(MOST_AT_ONCE, math.ceil(math.log(MISSED) / math.log(1 - share))))


class Answer(Model):
    """What one connection saw. first, last: seconds until the first and last bytes; end: until the far side's end.

    size: bytes. reads: how many pieces they came in. status: of HTTP. broke: how it broke off, in the system's words;
    `closed` or `silent` when there was no answer, `cut off` when its end was missing. What didn't come is None.
    """

    first: float | None = None
    last: float | None = None
    end: float | None = None
    size: int = 0
    reads: int = 0
    status: int | None = None
    broke: str | None = None


class Question(Model):
    """What is said to a link's near end: an HTTP request, or nothing but the end of our side where there is no path.

    requests: as many as this, all at once. padding: bytes by which each is made longer. whole: listen until the far
    side has ended, not only to the first bytes. keep: ask for the connection to be kept open.
    """

    host: str
    port: int
    path: str | None
    requests: int = 1
    padding: int = 0
    whole: bool = False
    keep: bool = False

    def __str__(self) -> str:
        return f"{f'GET {self.path}' if self.path else 'a connection'} through {self.host}:{self.port}"

    async def ask(self, count: int, patience: float) -> list[Answer]:
        """The answers to so many connections side by side, each of which is waited for so long (seconds)."""
        return await asyncio.gather(*(self._ask(patience, number * APART) for number in range(count)))

    async def typical(self, patience: float) -> Answer | None:
        """The median answer of a few side by side; None unless all of them were answered."""
        answers = await self.ask(ASKED_AT_ONCE, patience)
        return None if any(answer.broke for answer in answers) else median(answers)

    async def slowest(self, patience: float, count: int) -> Answer | None:
        """The worst of so many side by side, figure by figure; None unless all of them were answered."""
        answers = await self.ask(count, patience)
        return None if any(answer.broke for answer in answers) else _each(answers, max)

    async def _ask(self, patience: float, delay: float) -> Answer:
        await asyncio.sleep(delay)
        seen: dict[str, Any] = {"size": 0, "reads": 0, "head": b""}
        try:
            async with asyncio.timeout(patience):
                await self._listen(seen, time.monotonic())
        except TimeoutError:
            if not seen["size"]:
                seen["broke"] = "silent"
        except OSError as error:
            seen["broke"] = (error.strerror or str(error)).lower()
        if self.whole and self.requests == 1 and "end" in seen and _is_cut_off(seen["head"], seen["size"]):
            seen["broke"] = "cut off"
        del seen["head"]
        return Answer.model_construct(**seen)

    async def _listen(self, seen: dict[str, Any], start: float) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=2**20)
        try:
            writer.write(self.text())
            if self.path is None:
                writer.write_eof()
            while data := await reader.read(2**20):
                self._note(seen, data, time.monotonic() - start)
                if not self.whole:
                    return
            seen["end"] = time.monotonic() - start
            if self.path is not None and not seen["size"]:
                seen["broke"] = "closed"
        finally:
            writer.close()

    def _note(self, seen: dict[str, Any], data: bytes, at: float) -> None:
        if not seen["size"]:
            seen["first"] = at
            seen["status"] = int(found[1]) if (found := _STATUS.match(data)) else None
        seen.update(last=at, size=seen["size"] + len(data), reads=seen["reads"] + 1)
        if len(seen["head"]) < HEAD:
            seen["head"] += data

    def text(self) -> bytes:
        """What is sent."""
        if self.path is None:
            return b""
        return self._request("keep-alive") * (self.requests - 1) + self._request("keep-alive" if self.keep else "close")

    def _request(self, connection: str) -> bytes:
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [
            f"GET {self.path} HTTP/1.1",
            f"Host: {host}:{self.port}",
            "User-Agent: flashcrowd",
            f"Connection: {connection}",
            *([f"X-Padding: {'x' * self.padding}"] if self.padding else []),
        ]
        return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def median(answers: Sequence[Answer]) -> Answer:
    """Of every figure of some answers by itself, those left out where it didn't come; the others are left out."""
    return _each(answers, statistics.median)


def _each(answers: Sequence[Answer], of: Callable[[list[float]], float]) -> Answer:
    figures: dict[str, Any] = {}
    for name in ("first", "last", "end", "size", "reads"):
        known = [value for answer in answers if (value := getattr(answer, name)) is not None]
        figures[name] = of(known) if known else None
    return Answer(**{**figures, "size": int(figures["size"] or 0), "reads": int(figures["reads"] or 0)})


def _is_cut_off(begins: bytes, size: int) -> bool:
    """Whether an HTTP answer that begins so and has so many bytes has fewer than it says."""
    head, end, _ = begins.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/") or not end:
        return head.startswith(b"HTTP/") and len(begins) < HEAD
    length = _LENGTH.search(head)
    return length is not None and size < len(head) + len(end) + int(length[1])
