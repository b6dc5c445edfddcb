"""Dialogues: whatever the pieces are, and whenever toxics come and go, each request is answered once, in its order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chaos.proxy.http.dialogue import CONTINUE, Dialogue
from chaos.proxy.link import Link
from chaos.proxy.toxic import Toxic
from chaos.proxy.toxics.http_delay import HttpDelay
from chaos.proxy.toxics.http_error import HttpError

HEAD_ONLY = b"\r\n"
SIZED = b"Content-Length: 9\r\n\r\nGET / HTT"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n3;a=b\r\nGET\r\n0\r\nT: 1\r\n\r\n"
EXPECTS = b"Expect: 100-continue\r\n"

TOXICS = {
    "error": HttpError(status=503, share=0.5, body="no"),
    "late": HttpDelay(delay=3_600_000, share=0.5),
    "posts": HttpError(status=500, method="POST"),
    "soon": HttpDelay(delay=1),
}
WAIT = "wait"
"""A moment in which what is to happen soon happens."""

PIECES = st.lists(st.integers(1, 150), min_size=1, max_size=20)
EVENTS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from([*TOXICS, WAIT])), max_size=12)


@dataclass
class Case:
    """A request, with its number where its `%d` is, and what its server says to it."""

    method: str
    request: bytes
    answer: bytes


@st.composite
def cases(draw: st.DrawFn) -> Case:
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT"]))
    bodies = [SIZED, CHUNKED, EXPECTS + SIZED, EXPECTS + CHUNKED] if method in ("POST", "PUT") else [HEAD_ONLY]
    request = f"{method} /%d HTTP/1.1\r\nHost: a\r\n".encode() + draw(st.sampled_from(bodies))
    bare = [b"204 No\r\n\r\n", b"304 No\r\nContent-Length: 9\r\n\r\n"]
    answers = [b"200 OK\r\n" + SIZED, b"200 OK\r\n" + CHUNKED, *bare]
    if method == "HEAD":
        answers = [b"200 OK\r\nContent-Length: 9\r\n\r\n", b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"]))
    return Case(method, request, interim + b"HTTP/1.1 " + draw(st.sampled_from(answers)))


class Socket:
    """A transport that takes all it is given; what it reads is fed by hand."""

    def __init__(self) -> None:
        self.wire = b""

    def write(self, data: bytes) -> None:
        self.wire += data

    def write_eof(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Talk:
    """A client and a server with a dialogue between them. passed: the requests that the server has got whole."""

    def __init__(self, wires: list[bytes], answers: list[bytes]) -> None:
        self._wires, self._answers = wires, answers
        self.client, self.server = Socket(), Socket()
        self.up = Link(self.client, self.server, (), lambda ending: None)
        self._down = Link(self.server, self.client, (), lambda ending: None)
        self.dialogue = Dialogue(self.up, self._down)
        self.passed: list[int] = []
        self.got = self._said = 0
        self._on: set[str] = set()

    def toggle(self, name: str) -> None:
        """Put a toxic in, or take it out."""
        if name in self._on:
            self.dialogue.remove(name)
        else:
            self.dialogue.add(Toxic(name, "", "downstream", 1.0, TOXICS[name]))
        self._on ^= {name}

    def end(self) -> None:
        """Take all toxics out, and let the server say the rest."""
        for name in sorted(self._on):
            self.toggle(name)
        self.serve(2**20)

    def serve(self, size: int) -> None:
        """Let the server say so many bytes more, if it was asked for them."""
        while (number := self._next()) is not None:
            self.got += len(self._wires[number])
            self.passed.append(number)
        wire = b"".join(self._answers[number] for number in self.passed)
        said = wire[self._said : self._said + size]
        self._said += len(said)
        if said:
            self._down.feed(said)

    def _next(self) -> int | None:
        """The request that the server has got whole next, byte for byte."""
        wire = self.server.wire[self.got :]
        return next((number for number, request in enumerate(self._wires) if wire.startswith(request)), None)


async def talk(cases: list[Case], sent: list[int], said: list[int], events: list[tuple[int, str]]) -> Talk:
    """Pieces of the client and of the server in turns. events: toxics that come or go, each before a turn."""
    wires = [case.request % number for number, case in enumerate(cases)]
    it, wire, turn = Talk(wires, [case.answer for case in cases]), b"".join(wires), 0
    while wire:
        for name in (name for when, name in events if when == turn):
            await asyncio.sleep(0.002) if name == WAIT else it.toggle(name)
        size = sent[turn % len(sent)]
        it.up.feed(wire[:size])
        it.serve(said[turn % len(said)])
        wire, turn = wire[size:], turn + 1
    it.end()
    return it


def without_answer(wire: bytes, case: Case, is_ours: bool) -> bytes:
    """What comes behind the answer that a case must have got."""
    if not is_ours:
        assert wire.startswith(case.answer)
        return wire[len(case.answer) :]
    head, end, rest = wire.removeprefix(CONTINUE).partition(b"\r\n\r\n")
    assert end
    assert head.startswith((b"HTTP/1.1 503 ", b"HTTP/1.1 500 "))
    body = b"no" if head.startswith(b"HTTP/1.1 503 ") and case.method != "HEAD" else b""
    assert rest.startswith(body)
    return rest[len(body) :]


SPLIT = Case("POST", b"POST /%d HTTP/1.1\r\nHost: a\r\n" + EXPECTS + SIZED, b"HTTP/1.1 204 No\r\n\r\n")
"""A body that comes after its head, yet is there when its request's time has come: answered within the look at it."""


@settings(deadline=None)
@example([SPLIT], [20], [1], [(0, "late"), (0, "posts")])
@given(st.lists(cases(), min_size=1, max_size=6), PIECES, PIECES, EVENTS)
def test_each_request_is_answered_once_and_in_its_order(cases, sent, said, events):
    it = asyncio.run(talk(cases, sent, said, events))
    assert it.passed == sorted(set(it.passed))
    assert it.got == len(it.server.wire)
    wire = it.client.wire
    for number, case in enumerate(cases):
        wire = without_answer(wire, case, number not in it.passed)
    assert wire == b""
    assert it.dialogue.followed
