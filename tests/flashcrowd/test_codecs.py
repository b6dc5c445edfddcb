import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.codecs import Decoded, JsonCodec, SocketIoCodec, load
from loadtests.frames import FrameReader
from loadtests.markers import mark

SOCKETIO = SocketIoCodec()


@pytest.mark.parametrize(
    ("frame", "decoded"),
    [
        (b'0{"sid":"a","pingInterval":25000}', Decoded(replies=("40",))),
        (b"2", Decoded(replies=("3",))),
        (b"2probe", Decoded(replies=("3probe",))),
        (b'40{"sid":"b"}', Decoded(ready=True)),
        (b'42["sold",{"sku":"x"}]', Decoded({"sku": "x", "event": "sold"})),
        (b'42["sold",{"event":"other"}]', Decoded({"event": "sold"})),
        (b'42["bye"]', Decoded({"event": "bye"})),
        (b'42["count",5]', Decoded({"event": "count"})),
        (b"42[]", Decoded()),
        (b"6", Decoded()),
        (b"41", Decoded(refused="the server has disconnected the viewer")),
        (b'44{"message":"no"}', Decoded(refused='the server refused the viewer: {"message":"no"}')),
        (b"1", Decoded(refused="the server has closed the session")),
    ],
)
def test_socketio_knows_its_packets(frame, decoded):
    assert SOCKETIO.decode(frame) == decoded


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("ws://h:1", "ws://h:1/socket.io/?EIO=4&transport=websocket"),
        ("ws://h/chat/?room=a%20b", "ws://h/chat/?EIO=4&transport=websocket&room=a+b"),
        ("wss://h/socket.io/?EIO=3", "wss://h/socket.io/?EIO=3&transport=websocket"),
    ],
)
def test_socketio_asks_for_its_own_transport(given, url):
    assert SOCKETIO.url(given) == url


@settings(deadline=None)
@given(st.binary())
@pytest.mark.parametrize("codec", [JsonCodec(), SOCKETIO], ids=["json", "socketio"])
def test_a_frame_of_any_bytes_is_read(codec, frame):
    reader = FrameReader({"sold": {"event": "sold"}}, codec=codec)
    for prefix in (b"", b"42", b'42["sold",'):
        reader.read(prefix + frame)


def test_a_frame_is_decoded_once_and_only_if_it_may_hold_an_event():
    decoded = list[bytes]()

    class Counting(SocketIoCodec):
        def decode(self, frame: bytes) -> Decoded:
            decoded.append(frame)
            return super().decode(frame)

    reader = FrameReader({"sold": {"event": "sold"}}, codec=Counting())
    chat = f'42["chat",{{"text":"hi {mark(1, 1, 1.5e9)}"}}]'.encode()
    for _ in range(3):
        assert [comment.sent for comment in reader.read(chat).comments] == [1.5e9]
        assert [event.sku for event in reader.read(b'42["sold",{"sku":"x"}]').events] == ["x"]
        ping = reader.read(b"2").control
        assert ping is not None
        assert ping.replies == ("3",)
    assert decoded == [b'42["sold",{"sku":"x"}]', b"2"]


def test_a_codec_may_say_where_the_comments_are():
    class Packed(JsonCodec):
        def transparent(self, frame: bytes) -> bool:
            return False

        def decode(self, frame: bytes) -> Decoded:
            return Decoded(text=base64.b64decode(frame))

    frame = base64.b64encode(mark(1, 1, 1.5e9).encode())
    assert FrameReader({}).read(frame).comments == ()
    assert len(FrameReader({}, codec=Packed()).read(frame).comments) == 1


def test_the_built_in_codecs_are_found_by_name():
    assert isinstance(load("json"), JsonCodec)
    assert isinstance(load("socketio"), SocketIoCodec)
