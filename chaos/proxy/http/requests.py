"""Requests: the stage of a tunnel that follows what its client says, and where toxics strike.

What comes behind a request that waits isn't read before that goes on. So it is behind a request for another protocol,
until the answer tells whether that is spoken from there on.
"""

from __future__ import annotations

import enum
import time
from collections import deque
from typing import TYPE_CHECKING

from httptools import HttpRequestParser

from chaos.proxy.http.messages import Cutter, NotHttpError
from chaos.proxy.http.passage import Course, Passage
from chaos.proxy.toxic import CHUNK_COST, Ending, Stage

if TYPE_CHECKING:
    from chaos.proxy.http.dialogue import Dialogue, Exchange
    from chaos.proxy.link import Link


class Mode(enum.Enum):
    """What is done with what comes: it is followed, goes through as it is, or is dropped, as all is said."""

    FOLLOWED = enum.auto()
    THROUGH = enum.auto()
    DEAF = enum.auto()


class Requests(Stage):
    """Requests, told apart; each goes its own way, one after the other."""

    def __init__(self, dialogue: Dialogue, link: Link) -> None:
        super().__init__(link)
        self._dialogue, self._link = dialogue, link
        self._cutter = Cutter(HttpRequestParser)
        self._mode = Mode.FOLLOWED
        self._passage: Passage | None = None
        self._switch: Exchange | None = None
        self._unread: deque[tuple[bytes | None, float]] = deque()
        self._reading = False

    def feed(self, data: bytes) -> None:
        if self._mode is Mode.FOLLOWED:
            self._unread.append((data, time.monotonic()))
            self.held += len(data) + CHUNK_COST
            self._work()
        elif self._mode is Mode.THROUGH:
            self.following.feed(data)

    def finish(self, ending: Ending = Ending.HALF) -> None:
        if ending is not Ending.HALF:
            self.end(ending)
        elif self._mode is Mode.FOLLOWED:
            self._unread.append((None, 0.0))
            self._work()
        elif self._mode is Mode.THROUGH:
            self.following.finish()

    def release(self) -> None:
        """The server is gone. What is kept needn't wait, but a request that is being swallowed is still answered."""
        self.let_through()

    def let_go(self, name: str) -> None:
        """A toxic is gone: what it held goes on at once."""
        if self._passage is not None:
            self._passage.let_go(name)
            self.go_on()

    def look_again(self) -> None:
        """What was waited for may be there: room for an answer, or an answer of the server's."""
        if self._passage is not None:
            self._passage.settle()
        if self._unread or self._passage is not None:
            self.go_on()

    def go_on(self) -> None:
        """Read on behind a request that waited."""
        if not self._reading:
            if self._passage is not None and self._passage.is_over:
                self._end_request(self._passage)
            self._work()
            self._link.balance()

    def let_through(self) -> None:
        """Follow no more, and pass on all that is kept; a request that is being swallowed is so to its end."""
        if self._mode is Mode.FOLLOWED and not self._is_swallowing():
            self._mode = Mode.THROUGH
            for piece in self._forget_passage():
                self.following.feed(piece)
            while self._unread:
                self._pass_on(self._next()[0])
            self._link.balance()

    def end(self, ending: Ending = Ending.HALF) -> None:
        """All is said: pass on the end, and nothing any more."""
        self._mode = Mode.DEAF
        self._forget_passage()
        while self._unread:
            self._next()
        self.following.finish(ending)

    def _work(self) -> None:
        """Read what is unread, as far as that can be now."""
        if self._reading:
            return
        self._reading = True
        try:
            while self._unread and self._may_read():
                self._read(*self._next())
        finally:
            self._reading = False

    def _may_read(self) -> bool:
        if self._mode is not Mode.FOLLOWED or (self._passage is not None and self._passage.waits):
            return False
        return self._switch is None or self._switch.closed

    def _read(self, data: bytes | None, came: float) -> None:
        if data is None:
            self._close()
            return
        start = 0
        while start < len(data) and self._may_read():
            try:
                message, end = self._cutter.cut(data, start)
            except NotHttpError:
                self._put_back(data[start:], came)
                self._lose_track()
                return
            passage = self._passage = self._passage or Passage(self, self._dialogue, message)
            passage.take(data[start:end], came)
            start = end
            if passage.is_over:
                self._end_request(passage)
        if start < len(data):
            self._put_back(data[start:], came)

    def _end_request(self, passage: Passage) -> None:
        self._passage = None
        message = passage.message
        if passage.course is Course.SWALLOWED:
            passage.answer()
        elif message.upgrade:
            self._switch = passage.exchange
        elif not message.keep_alive:
            self.let_through()  # what may come behind a connection's last request is none
        if not self._dialogue.followed:
            self.let_through()

    def _lose_track(self) -> None:
        """What comes isn't HTTP; if it was a request's body that was being swallowed, the connection ends with that."""
        if self._is_swallowing():
            assert self._passage is not None
            self._mode = Mode.DEAF
            self._passage.answer(last=True)
        else:
            self._dialogue.give_up()

    def _close(self) -> None:
        """The client's end."""
        if self._is_swallowing():
            assert self._passage is not None
            assert self._passage.exchange is not None
            self._dialogue.withdraw(self._passage.exchange)
            self._passage = None
        self.let_through()
        self.following.finish()

    def _forget_passage(self) -> list[bytes]:
        """What the request under way has kept."""
        passage, self._passage = self._passage, None
        return passage.take_kept() if passage is not None else []

    def _is_swallowing(self) -> bool:
        return self._passage is not None and self._passage.course is Course.SWALLOWED

    def _next(self) -> tuple[bytes | None, float]:
        data, came = self._unread.popleft()
        self.held -= len(data) + CHUNK_COST if data is not None else 0
        return data, came

    def _put_back(self, data: bytes, came: float) -> None:
        self._unread.appendleft((data, came))
        self.held += len(data) + CHUNK_COST

    def _pass_on(self, item: bytes | None) -> None:
        if item is None:
            self.following.finish()
        else:
            self.following.feed(item)
