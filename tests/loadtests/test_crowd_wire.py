"""Bytes in, events out: WebSocket frames and HTTP answers, well formed, malformed and random."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from loadtests.crowd.answer import AnswerReader
from loadtests.crowd.errors import MalformedError, ServerClosedError, TooLargeError
from loadtests.crowd.wire import Wire

URI = parse_uri("ws://127.0.0.1:1/rooms/main")


def pieces(data: bytes, cuts: list[int]) -> list[memoryview]:
    """The data in pieces, cut at these places."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [memoryview(data)[start:stop] for start, stop in pairwise(places)]


def shaken(compress: bool = False, largest: int = 2**20) -> tuple[Wire, ServerProtocol]:
    wire = Wire(largest, compress)
    server = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()] if compress else None)
    server.receive_data(wire.hello(URI, {"x-mark": "1"}))
    (request,) = server.events_received()
    assert request.headers["x-mark"] == "1"
    server.send_response(server.accept(request))
    for data in server.data_to_send():
        wire.feed(memoryview(data))
    assert wire.open
    return wire, server


def feed_all(wire: Wire, data: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    messages, answers = list[bytes](), b""
    for piece in pieces(data, cuts):
        more, answer = wire.feed(piece)
        messages, answers = messages + more, answers + answer
    return messages, answers


frames = st.builds(Frame, st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=300))
pings = st.builds(Frame, st.just(Opcode.PING), st.binary(max_size=100))
cuts = st.lists(st.integers(0, 5000), max_size=12)


@st.composite
def fragmented(draw: st.DrawFn) -> list[Frame]:
    parts = draw(st.lists(st.binary(max_size=40), min_size=2, max_size=4))
    first, *rest = [Frame(Opcode.CONT, part, fin=False) for part in parts]
    first.opcode, rest[-1].fin = Opcode.TEXT, True
    return [first, *draw(st.lists(pings, max_size=1)), *rest]


@settings(deadline=None)
@given(
    st.lists(st.lists(frames, min_size=1, max_size=1) | st.lists(pings, max_size=1) | fragmented(), max_size=6), cuts
)
def test_messages_come_whole_and_in_order_however_they_are_framed_and_cut(groups, cuts):
    wire, _ = shaken()
    sent = [frame for group in groups for frame in group]
    messages, answers = feed_all(wire, b"".join(frame.serialize(mask=False) for frame in sent), cuts)
    expected = [b"".join(f.data for f in group if f.opcode is not Opcode.PING) for group in groups]
    assert messages == [text for text, group in zip(expected, groups, strict=True) if any(f.opcode < 8 for f in group)]
    assert wire.over is None
    assert bool(answers) == any(frame.opcode is Opcode.PING for frame in sent)


@settings(deadline=None)
@given(st.binary(max_size=200), cuts)
@example(b"\x81\xff" + b"\xff" * 8, [])
@example(b"\x81\x7f\x7f" + b"\xff" * 7, [])
@example(b"\x82\x80\x00\x00\x00\x00", [])
@example(b"\xc1\x05hello", [1, 2, 3])
@example(b"\x80\x00", [])
@example(b"\x09\x01x", [])
@example(b"\x88\x01\x03", [])
@example(b"\x88\x02\x03\xed", [])
@example(b"\x83\x00", [])
def test_random_bytes_end_one_connection_at_most(data, cuts):
    wire, _ = shaken()
    feed_all(wire, data, cuts)
    if wire.over is not None:
        assert isinstance(wire.over, MalformedError | ServerClosedError)
        assert wire.feed(memoryview(b"\x81\x02hi")) == ([], b"")
    raw = Wire()
    raw.hello(URI, {})
    feed_all(raw, data, cuts)
    assert not raw.open


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x81\x85\x00\x00\x00\x00hello", MalformedError),  # masked by a server
        (b"\xc1\x05hello", MalformedError),  # a reserved bit, without an extension
        (b"\x83\x00", MalformedError),  # an opcode that isn't one
        (b"\x80\x02hi", MalformedError),  # a continuation of nothing
        (b"\x01\x02hi\x81\x02hi", MalformedError),  # a new message inside another
        (b"\x09\x02hi", MalformedError),  # a fragmented ping
        (b"\x89\x7e\x00\x7e" + b"x" * 126, MalformedError),  # a ping that is too long
        (b"\x88\x01\x03", MalformedError),  # half a close code
        (b"\x81\x7f" + (2**40).to_bytes(8, "big"), TooLargeError),
        (b"\x01\x64" + b"x" * 100 + b"\x80\x64" + b"x" * 100, TooLargeError),  # too large in all
        (b"\x88\x02\x03\xe8", ServerClosedError),
    ],
)
def test_each_fault_of_a_frame_is_told_apart_and_answered(data, kind):
    wire, server = shaken(largest=150)
    messages, answer = wire.feed(memoryview(b"\x81\x02ok" + data))
    assert messages[0] == b"ok"
    assert type(wire.over) is kind
    server.receive_data(answer)
    assert server.close_rcvd is not None
    with pytest.raises(ServerClosedError):
        wire.text(b"too late")


def test_a_frame_behind_the_handshake_in_the_same_segment_is_heard():
    wire, server = Wire(), ServerProtocol()
    server.receive_data(wire.hello(URI, {}))
    server.send_response(server.accept(server.events_received()[0]))
    server.send_text(b"welcome")
    assert wire.feed(memoryview(b"".join(server.data_to_send()) + b"\x81\x05he"))[0] == [b"welcome"]
    assert wire.feed(memoryview(b"llo"))[0] == [b"hello"]


def test_a_server_that_refuses_says_why():
    wire, server = Wire(), ServerProtocol()
    server.receive_data(wire.hello(URI, {}))
    server.send_response(server.reject(503, "full"))
    wire.feed(memoryview(b"".join(server.data_to_send())))
    assert not wire.open
    assert "HTTP 503" in str(wire.over)
    assert wire.over.retry_after is None


@pytest.mark.parametrize(("asked", "seconds"), [("2", 2.0), ("Thu, 26 Nov 2026 10:00:00 GMT", None), ("9" * 9, None)])
def test_a_server_that_refuses_may_say_when_to_come_again(asked, seconds):
    wire, server = Wire(), ServerProtocol()
    server.receive_data(wire.hello(URI, {}))
    refusal = server.reject(503, "full")
    refusal.headers["Retry-After"] = asked
    server.send_response(refusal)
    wire.feed(memoryview(b"".join(server.data_to_send())))
    assert wire.over.retry_after == seconds


def test_compressed_messages_go_both_ways():
    wire, server = shaken(compress=True)
    for text in (b"again and again " * 20, b"again and again " * 20):
        server.send_text(text)
        (data,) = server.data_to_send()
        assert len(data) < 100
        assert wire.feed(memoryview(data))[0] == [text]
        server.receive_data(wire.text(text))
        assert bytes(server.events_received()[-1].data) == text


def test_a_header_cannot_smuggle_in_another():
    with pytest.raises(ValueError, match="x-mark holds a line break"):
        Wire().hello(URI, {"x-mark": "1\r\nCookie: 2"})


def test_a_goodbye_is_said_once():
    wire, server = shaken()
    server.receive_data(wire.goodbye())
    assert server.close_rcvd is not None
    assert (server.close_rcvd.code, wire.goodbye()) == (1000, b"")


def read(*parts: bytes, bodyless: bool = False, largest: int = 2**20) -> AnswerReader:
    reader = AnswerReader(largest)
    reader.expect(bodyless)
    for part in parts:
        reader.feed(memoryview(part))
    return reader


@settings(deadline=None)
@given(st.binary(max_size=200), cuts, st.booleans())
def test_an_answer_is_read_however_it_is_cut(body, cuts, chunked):
    if chunked:
        wire = b"Transfer-Encoding: chunked\r\n\r\n"
        wire += b"".join(b"%x\r\n%s\r\n" % (len(p), bytes(p)) for p in pieces(body, cuts)) + b"0\r\n\r\n"
    else:
        wire = b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    whole = b"HTTP/1.1 201 Created\r\nX-A: b\r\n" + wire
    for parts in (pieces(whole, cuts), pieces(whole, []), pieces(whole, [])):  # the last under a head that is known
        reader = read(*map(bytes, parts))
        assert (reader.complete, reader.status, reader.body, reader.reusable) == (True, 201, body, True)
        assert reader.headers[0] == (b"X-A", b"b")


@settings(deadline=None)
@given(st.binary(max_size=200), cuts)
def test_random_bytes_are_an_error_of_the_answer_and_nothing_else(data, cuts):
    for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            reader = read(*map(bytes, pieces(start + data, cuts)))
            reader.end()
        except (MalformedError, ServerClosedError):
            pass


@pytest.mark.parametrize(
    ("parts", "complete", "reusable"),
    [
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], True, True),
        ([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"], True, True),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"], True, False),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"], True, False),
        ([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], True, True),
        ([b"HTTP/1.1 200 OK\r\n\r\nuntil the end"], False, False),
    ],
)
def test_how_an_answer_ends_is_known(parts, complete, reusable):
    reader = read(*parts)
    assert (reader.complete, reader.reusable) == (complete, reusable)
    if not complete:
        reader.end()
        assert (reader.complete, reader.body) == (True, b"until the end")


@pytest.mark.parametrize(
    ("rest", "error"),
    [(b"12", None), (b"123", MalformedError), (b"1", None), (b"12HTTP/1.1 200 OK\r\n\r\n", MalformedError)],
)
def test_a_known_head_is_no_licence_for_another_body(rest, error):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Known: 1\r\n\r\n"
    assert read(head + b"ab").body == b"ab"
    if error is not None:
        with pytest.raises(error):
            read(head + rest)
    else:
        assert read(head + rest).complete == (len(rest) == 2)


def test_an_answer_to_head_has_no_body():
    assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", bodyless=True).complete


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n", MalformedError),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", MalformedError),
        (b"SSH-2.0-OpenSSH\r\n", MalformedError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101, TooLargeError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", TooLargeError),
    ],
)
def test_a_wrong_answer_is_refused(data, kind):
    with pytest.raises(kind):
        read(data, largest=100)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_an_answer_that_breaks_off_is_none(data):
    with pytest.raises(ServerClosedError):
        read(data).end()


def test_a_body_that_is_discarded_is_counted_and_not_kept():
    reader, answer = AnswerReader(100), b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n" + b"x" * 60
    for parts in ([answer], [answer], [answer[:50], answer[50:]]):  # the second has a head that is remembered
        reader.expect(discard=True)
        for part in parts:
            reader.feed(memoryview(part))
        assert (reader.complete, reader.size, reader.body) == (True, 60, b"")
    reader.expect()
    reader.feed(memoryview(answer))
    assert (reader.size, reader.body) == (60, b"x" * 60)
    reader.expect(discard=True)
    with pytest.raises(TooLargeError):
        reader.feed(memoryview(answer.replace(b"60", b"160") + b"x" * 100))
