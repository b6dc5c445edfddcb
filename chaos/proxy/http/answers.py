"""Answers: the stage of a tunnel that follows what its server says. It holds nothing back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptools import HttpResponseParser

from chaos.proxy.http.messages import Cutter, Message, NotHttpError
from chaos.proxy.toxic import Ending, Receiver, Stage

if TYPE_CHECKING:
    from chaos.proxy.http.dialogue import Dialogue, Exchange


class Responses(Stage):
    """Tells the dialogue where an answer ends, before the next one goes through."""

    def __init__(self, dialogue: Dialogue, following: Receiver) -> None:
        super().__init__(following)
        self._dialogue = dialogue
        self._cutter = Cutter(HttpResponseParser)
        self._exchange: Exchange | None = None
        self._followed, self._ended = True, False

    def feed(self, data: bytes) -> None:
        if self._followed:
            self._follow(data)
        else:
            self.say(data)

    def finish(self, ending: Ending = Ending.HALF) -> None:
        if self._followed and self._exchange is None:
            self._dialogue.server_ended()
        else:
            self.end()

    def say(self, data: bytes) -> None:
        """Pass on what is the client's, unless its end was."""
        if not self._ended:
            self.following.feed(data)

    def end(self) -> None:
        """The client has got its last answer: pass on the end, and nothing any more."""
        self._followed, self._ended = False, True
        self.following.finish()

    def let_through(self) -> None:
        """Follow no more."""
        self._followed = False

    def _follow(self, data: bytes) -> None:
        start = 0
        while self._followed and start < len(data):
            message, end = self._cut(data, start)
            self.say(data[start:end])
            start = end
            if message is not None:
                self._note(message)
        if start < len(data):
            self.say(data[start:])

    def _cut(self, data: bytes, start: int) -> tuple[Message | None, int]:
        """The answer that goes on or begins, and where this part of it ends; none if it can't be followed."""
        self._exchange = self._exchange or self._dialogue.asked()
        try:
            if self._exchange is not None:
                return self._cutter.cut(data, start, bodiless=self._exchange.method == "HEAD")
        except NotHttpError:
            pass
        self._dialogue.give_up()
        return None, len(data)

    def _note(self, message: Message) -> None:
        assert self._exchange is not None
        is_connect = self._exchange.method == "CONNECT"
        if message.status == 101 or (is_connect and 200 <= message.status < 300):
            self._dialogue.let_through()
        elif message.done and message.status >= 200:
            self._exchange = None
            self._dialogue.answered()
