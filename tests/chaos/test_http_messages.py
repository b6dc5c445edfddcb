"""Messages: where one ends and the next begins, however the bytes are cut into pieces."""

from __future__ import annotations

import pytest
from httptools import HttpRequestParser, HttpResponseParser
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.proxy.http.messages import Cutter, NotHttpError

REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nGET / HTTP/1",
    b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;name=v\r\nhello\r\n1\r\n\n\r\n0\r\nT: 1\r\n\r\n",
    b"DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    b"HEAD /x?q=1 HTTP/1.1\r\nHost: a\r\n\r\n",
]
RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\r\n\r\r\n0\r\n\r\n",
]


def cut(make, wire: bytes, cuts: list[int]) -> list[bytes]:
    """The messages that come out of these bytes, fed in pieces that end at the cuts."""
    cutter, messages, current = Cutter(make), [], b""
    ends = sorted({min(one, len(wire)) for one in cuts} | {len(wire)})
    for start, end in zip([0, *ends], ends, strict=False):
        piece, at = wire[start:end], 0
        while at < len(piece):
            message, to = cutter.cut(piece, at)
            assert to > at
            current += piece[at:to]
            at = to
            if message.done:
                messages.append(current)
                current = b""
    assert current == b""
    assert cutter.between
    return messages


@settings(deadline=None)
@given(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=6), st.lists(st.integers(1, 500), max_size=40))
def test_requests_are_told_apart_however_they_come(messages, cuts):
    assert cut(HttpRequestParser, b"".join(messages), cuts) == messages


@settings(deadline=None)
@given(st.lists(st.sampled_from(RESPONSES), min_size=1, max_size=6), st.lists(st.integers(1, 300), max_size=40))
def test_responses_are_told_apart_however_they_come(messages, cuts):
    assert cut(HttpResponseParser, b"".join(messages), cuts) == messages


def test_the_answer_to_head_has_no_body():
    cutter = Cutter(HttpResponseParser)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    message, end = cutter.cut(head + RESPONSES[1], 0, bodiless=True)
    assert (message.done, end) == (True, len(head))


@pytest.mark.parametrize("wire", [b"\x16\x03\x01\x02\x00", b"hello there\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_told(wire):
    with pytest.raises(NotHttpError):
        Cutter(HttpRequestParser).cut(wire, 0)


def test_what_a_toxic_has_to_know_of_a_request_is_known():
    message, _ = Cutter(HttpRequestParser).cut(REQUESTS[4], 0)
    assert (message.method, message.target, message.keep_alive) == ("HEAD", b"/x?q=1", True)
    message, _ = Cutter(HttpRequestParser).cut(b"GET / HTTP/1.0\r\n\r\n", 0)
    assert (message.keep_alive, message.old) == (False, True)
    head = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    message, _ = Cutter(HttpRequestParser).cut(head, 0)
    assert (message.done, message.expects) == (False, True)
