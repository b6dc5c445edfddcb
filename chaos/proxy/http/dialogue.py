"""Dialogue: the requests of one tunnel and their answers, in order, whoever gives them.

Every connection is followed from its first byte, with a toxic or without: so it is always known where a message ends
and which requests aren't answered yet, and a toxic strikes the very next request of a connection that was kept open as
surely as one of a new connection. No boundary is ever guessed. A request that has begun to pass when a toxic comes
passes to its end; one that is being swallowed when its toxic goes is swallowed to its end, and answered.

What can't be followed passes through untouched from there on: TLS and other protocols, a server that speaks without
being asked, and what a connection becomes after `101 Switching Protocols` or CONNECT.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from chaos.proxy.http.answers import Responses
from chaos.proxy.http.messages import Message
from chaos.proxy.http.requests import Requests
from chaos.proxy.http.rules import RequestAttributes
from chaos.proxy.link import Link
from chaos.proxy.toxic import Toxic

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

OPEN_LIMIT = 1000
"""Requests of one connection that may wait for their answers, before one that we answer waits itself."""


@dataclass(slots=True, eq=False)
class Exchange:
    """A request that isn't answered yet.

    own: we answer it, with `answer` as soon as all of the request is there; `last` if the connection ends behind that.
    expects: its sender wants to hear `100 Continue` from us. closed: it is answered.
    """

    method: str
    own: bool = False
    answer: bytes | None = None
    last: bool = False
    expects: bool = False
    closed: bool = False


class Dialogue:
    """What the requests of the upstream link and the answers of the downstream one know of each other.

    Requests are told apart behind the other toxics of their direction, and answers before those of theirs: what we
    answer comes to the client as if the server had said it. toxics: those that work on requests, by name. followed:
    whether it still is HTTP.
    """

    def __init__(self, upstream: Link, downstream: Link) -> None:
        self.toxics: dict[str, RequestAttributes] = {}
        self._open: deque[Exchange] = deque()
        self._down = downstream
        self.followed = self._is_http = True
        self._server_ended = False
        self._requests, self._responses = Requests(self, upstream), Responses(self, downstream)
        upstream.enclose(tail=self._requests)
        downstream.enclose(head=self._responses)
        downstream.on_room = self._requests.look_again

    def add(self, toxic: Toxic) -> None:
        """Let a toxic strike requests from the next one on, if the dice don't let this connection go."""
        if random.random() < toxic.toxicity:
            assert isinstance(toxic.attributes, RequestAttributes)
            self.toxics[toxic.name] = toxic.attributes
            if not self._is_http:
                toxic.attributes.count("not_http")

    def update(self, toxic: Toxic) -> None:
        """Put a changed toxic in the place of the old one; a request that it holds goes on at once."""
        self.remove(toxic.name)
        self.add(toxic)

    def remove(self, name: str) -> None:
        """Take a toxic out; a request that it holds goes on at once."""
        if self.toxics.pop(name, None) is not None:
            self._requests.let_go(name)

    def enter(self, request: Message, own: bool) -> Exchange:
        """Give a request its place in the order. own: we answer it, and it may be our turn to `speak`."""
        exchange = Exchange(request.method, own, expects=own and request.expects and not request.done)
        self._open.append(exchange)
        return exchange

    def withdraw(self, exchange: Exchange) -> None:
        """A request that we would have answered won't be whole any more."""
        if not exchange.closed:
            self._open.remove(exchange)
            self.speak()

    def asked(self) -> Exchange | None:
        """The request that the server's next bytes answer; None when it isn't its turn."""
        return self._open[0] if self._open and not self._open[0].own else None

    def answered(self) -> None:
        """The server's answer is complete."""
        self._open.popleft().closed = True
        self.speak()
        self._requests.look_again()

    def speak(self) -> None:
        """Say what it is our turn to say. What is said makes room, and may have us speak again within."""
        while self._open and (first := self._open[0]).own:
            if first.expects:
                first.expects = False
                self._responses.say(CONTINUE)
                continue
            if first.answer is None:
                return
            self._open.popleft().closed = True
            self._responses.say(first.answer)
            if first.last:
                self._responses.end()
                self._requests.end()
                return
        if self._server_ended:
            self._responses.end()

    def has_room(self) -> bool:
        """Whether we may answer one more: the client reads what it is answered, and waits for few."""
        return len(self._open) < OPEN_LIMIT and self._down.has_room()

    def server_ended(self) -> None:
        """The server says no more; what it is our turn to say still comes before the end."""
        self._server_ended = True
        self.speak()

    def give_up(self) -> None:
        """This is no HTTP that can be followed."""
        self._is_http = False
        for attributes in self.toxics.values():
            attributes.count("not_http")
        self.let_through()

    def let_through(self) -> None:
        """Follow it no more, and pass on all that is held."""
        self.followed = False
        for exchange in self._open:
            exchange.closed = True
        self._open.clear()
        self._responses.let_through()
        self._requests.let_through()
