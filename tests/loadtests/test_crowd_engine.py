"""The crowd's loop against real servers, well-behaved and not."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import gevent
import pytest
from websockets.asyncio.server import ServerConnection, serve

from loadtests.crowd import connection, tls
from loadtests.crowd.addresses import resolve
from loadtests.crowd.connection import Connection
from loadtests.crowd.engine import Engine
from loadtests.crowd.errors import (
    AnswerTimeoutError,
    BackPressureError,
    ConnectTimeoutError,
    HandshakeError,
    MalformedError,
    ServerClosedError,
)
from loadtests.crowd.http import HttpClient
from loadtests.crowd.waiter import Waiter
from loadtests.crowd.websocket import WebSocket, WebSocketOptions

T = TypeVar("T")
HOST = "127.0.0.1"


def in_lane(engine: Engine, job: Callable[[], T]) -> T:
    """Run in a lane of the engine, from outside of it."""
    waiter = Waiter[T](engine)

    def run() -> None:
        try:
            waiter.set(job())
        except Exception as error:
            waiter.fail(error)

    engine.lend(run)
    return waiter.wait()


async def crowd(job: Callable[[Engine], T], epoll: bool = True) -> T:
    """Run a job with an engine, in a thread of its own, while the servers of the test run in this one."""

    def run() -> T:
        engine = Engine(epoll=epoll)
        try:
            with gevent.Timeout(30):
                return job(engine)
        finally:
            for left in list(engine._watched.values()):
                left.close()
            gevent.get_hub().destroy(destroy_loop=True)

    return await asyncio.to_thread(run)


@asynccontextmanager
async def tcp(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any], **options: Any
) -> AsyncIterator[int]:
    """A server that does as it likes with its connections; gives its port."""

    async def safely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(safely, HOST, 0, **options) as server:
        yield server.sockets[0].getsockname()[1]


def answering(*answers: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]:
    """Answers the requests of a connection one after another; closes after the last, resets on b'reset'."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
            await reader.readexactly(length)
            if answer == b"reset":
                linger = struct.pack("ii", 1, 0)  # closing sends a reset
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            for part in answer.split(b"|"):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)

    return handle


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssl.SSLContext]:
    """A server's context with a certificate that the crowd trusts for the length of these tests."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout {key} -out {cert}"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command.split(), *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(cert))
        tls.tls_context.cache_clear()
        yield context
    tls.tls_context.cache_clear()


class Listener:
    """Writes down what a WebSocket says, and wakes whoever waits for it."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.times: list[float] = []
        self.more = gevent.event.Event()

    def opened(self, at: float) -> None:
        self._hear("opened")

    def message(self, data: bytes, at: float) -> None:
        self.times.append(at)
        self._hear(data)

    def lost(self, error: Exception) -> None:
        self._hear(error)

    def _hear(self, what: Any) -> None:
        self.heard.append(what)
        self.more.set()

    def until(self, count: int) -> list[Any]:
        while len(self.heard) < count:
            self.more.clear()
            self.more.wait()
        return self.heard


def open_socket(engine: Engine, port: int, scheme: str = "ws", **options: Any) -> tuple[WebSocket, Listener]:
    listener = Listener()
    url, addresses = f"{scheme}://localhost:{port}/rooms/main", resolve(HOST, port)
    return WebSocket(engine, url, addresses, {"x-mark": "1"}, listener, WebSocketOptions(**options)), listener


async def echo(peer: ServerConnection) -> None:
    async for text in peer:
        await peer.send(text)


@pytest.mark.parametrize("epoll", [True, False])
@pytest.mark.parametrize("scheme", ["ws", "wss"])
@pytest.mark.parametrize("compress", [True, False])
async def test_a_chat_is_spoken_with_a_real_server(certificate, scheme, epoll, compress):
    def talk(engine: Engine) -> list[Any]:
        socket, listener = open_socket(engine, port, scheme, compress=compress)
        listener.until(1)
        socket.send("hello")
        socket.send("x" * 300_000)
        listener.until(3)
        socket.close()
        gevent.sleep(0.01)
        assert engine.watching == engine.errors == 0
        return listener.heard

    async with serve(echo, HOST, 0, ssl=certificate if scheme == "wss" else None) as server:
        port = server.sockets[0].getsockname()[1]
        heard = await crowd(talk, epoll)
        async with asyncio.timeout(10):
            while server.connections:
                await asyncio.sleep(0.01)
    assert heard == ["opened", b"hello", b"x" * 300_000]


async def test_a_server_that_pings_fragments_and_says_goodbye_is_understood():
    pinged = asyncio.Event()

    async def handle(peer: ServerConnection) -> None:
        await (await peer.ping())
        pinged.set()
        await peer.send(iter(["in ", "three ", "parts"]))
        await peer.close(4001, "enough")

    def listen(engine: Engine) -> list[Any]:
        return open_socket(engine, port)[1].until(3)

    async with serve(handle, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        opened, text, end = await crowd(listen)
    assert (opened, text, type(end)) == ("opened", b"in three parts", ServerClosedError)
    assert "4001" in str(end)
    assert pinged.is_set()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 503 Full\r\nContent-Length: 4\r\n\r\nfull", HandshakeError),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", HandshakeError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", HandshakeError),
        (
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n",
            HandshakeError,
        ),
        (b"", ServerClosedError),
        (b"reset", ConnectionResetError),
    ],
)
async def test_a_handshake_that_fails_is_explained(answer, kind):
    async with tcp(answering(answer)) as port:
        (error,) = await crowd(lambda engine: open_socket(engine, port)[1].until(1))
    assert type(error) is kind


async def test_a_server_that_never_answers_is_given_up():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with tcp(silent) as port:
        (error,) = await crowd(lambda engine: open_socket(engine, port, timeout=0.1)[1].until(1))
    assert type(error) is ConnectTimeoutError


async def test_a_port_nobody_listens_on_refuses_and_a_second_address_is_tried():
    async with serve(echo, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]

        def both(engine: Engine) -> tuple[Any, Any]:
            refused = open_socket(engine, 1)[1].until(1)[0]
            listener = Listener()
            WebSocket(engine, f"ws://x:{port}/", [*resolve("127.0.0.1", 1), *resolve(HOST, port)], {}, listener)
            return refused, listener.until(1)[0]

        refused, opened = await crowd(both)
    assert (type(refused), opened) == (ConnectionRefusedError, "opened")


async def test_a_certificate_nobody_trusts_is_refused(certificate, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    tls.tls_context.cache_clear()
    async with serve(echo, HOST, 0, ssl=certificate) as server:
        port = server.sockets[0].getsockname()[1]
        (error,) = await crowd(lambda engine: open_socket(engine, port, "wss")[1].until(1))
    tls.tls_context.cache_clear()
    assert isinstance(error, ssl.SSLCertVerificationError)


async def test_a_malformed_frame_ends_its_connection_and_no_other():
    async def handle(peer: ServerConnection) -> None:
        await peer.recv()
        peer.transport.write(b"\xff\x01x")
        await peer.wait_closed()

    def talk(engine: Engine) -> tuple[list[Any], list[Any], int]:
        (bad, hears_bad), (good, hears_good) = open_socket(engine, port), open_socket(engine, other)
        hears_bad.until(1)
        hears_good.until(1)
        bad.send("go")
        hears_bad.until(2)
        good.send("still here")
        return hears_bad.heard, hears_good.until(2), engine.errors

    async with serve(handle, HOST, 0) as server, serve(echo, HOST, 0) as second:
        port, other = (one.sockets[0].getsockname()[1] for one in (server, second))
        bad, good, errors = await crowd(talk)
    assert (type(bad[1]), good[1], errors) == (MalformedError, b"still here", 0)


async def test_a_listener_that_raises_loses_its_connection_and_the_loop_goes_on():
    class Broken(Listener):
        def message(self, data: bytes, at: float) -> None:
            raise KeyError("a bug")

    def talk(engine: Engine) -> tuple[Any, Any]:
        broken = Broken()
        socket = WebSocket(engine, f"ws://x:{port}/", resolve(HOST, port), {}, broken)
        broken.until(1)
        socket.send("x")
        return type(broken.until(2)[1]), open_socket(engine, port)[1].until(1)[0]

    async with serve(echo, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await crowd(talk) == (KeyError, "opened")


async def test_a_message_arrives_when_the_kernel_has_it_however_late_it_is_read():
    sent = threading.Event()

    async def handle(peer: ServerConnection) -> None:
        async for _ in peer:
            await peer.send("now")
            sent.set()

    def listen(engine: Engine) -> tuple[float, float]:
        socket, listener = open_socket(engine, port)
        listener.until(1)
        for number in range(2, 50):  # the kernel needs a moment until it stamps
            unstamped = engine.unstamped
            sent.clear()
            socket.send("go")
            sent.wait(10)  # the whole thread: no loop runs
            there = time.time()
            time.sleep(0.3)
            listener.until(number)
            if engine.unstamped == unstamped:
                break
        engine.settle()
        return listener.times[-1] - there, engine.read_lag.highest

    async with serve(handle, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        after, lag = await crowd(listen)
    assert after < 0.1
    assert lag >= 0.29


async def test_bytes_beyond_what_a_server_reads_wait_in_order_up_to_a_bound():
    go, size = asyncio.Event(), 400_000
    received = bytearray()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        while data := await reader.read(65_536):
            received.extend(data)

    class Bytes:
        def __init__(self) -> None:
            self.ready = gevent.event.Event()

        def opened(self) -> None:
            self.ready.set()

        def received(self, data: memoryview, at: float) -> None: ...
        def lost(self, error: Exception) -> None: ...

    def send(engine: Engine) -> int:
        receiver = Bytes()
        link = Connection(engine, resolve(HOST, port), receiver)
        receiver.ready.wait()
        total = 0
        with pytest.raises(BackPressureError):
            while True:
                link.send(bytes([total // size % 251]) * size)
                total += size
        loop.call_soon_threadsafe(go.set)
        while link._out:
            gevent.sleep(0.01)
        link.close()
        return total

    loop = asyncio.get_running_loop()
    async with tcp(slow, limit=4096) as port:
        total = await crowd(send)
        async with asyncio.timeout(10):
            while len(received) < total:
                await asyncio.sleep(0.01)
    assert received == b"".join(bytes([number % 251]) * size for number in range(total // size))
    assert total >= connection.MOST_WAITING - size


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n|2\r\nde\r\n|0\r\n\r\n"


def asking(port: int, count: int = 1, **options: Any) -> Callable[[Engine], list[Any]]:
    """A job that asks so many times in a row; gives the answers' bodies, and errors."""

    def job(engine: Engine) -> list[Any]:
        client = HttpClient(engine, f"http://{HOST}:{port}", **{"timeout": 10.0, **options})

        def ask() -> list[Any]:
            got, kept = list[Any](), client.viewer()
            for _ in range(count):
                try:
                    got.append(client.request("POST", "/orders", {"x-a": "b"}, b"{}", kept).body)
                except OSError as error:
                    got.append(type(error))
            return got

        return in_lane(engine, ask)

    return job


@pytest.mark.parametrize("epoll", [True, False])
@pytest.mark.parametrize("keeping", ["shared", "own"])
async def test_answers_follow_each_other_on_one_connection(epoll, keeping):
    async with tcp(answering(OK, CHUNKED, OK)) as port:
        assert await crowd(asking(port, 3, keeping=keeping), epoll) == [b"hi", b"abcde", b"hi"]


async def test_a_fresh_connection_per_request_is_one():
    async with tcp(answering(OK, CHUNKED)) as port:
        assert await crowd(asking(port, 2, keeping="fresh")) == [b"hi", b"hi"]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([b"reset"], [ConnectionResetError]),
        ([b""], [ServerClosedError]),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"], [ServerClosedError]),
        ([b"HTTP/1.1 200 OK\r\n\r\nuntil |the end"], [b"until the end"]),
        ([b"nonsense\r\n"], [MalformedError]),
        ([b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"], [b""]),
    ],
)
async def test_what_becomes_of_a_request_is_told_apart(answers, expected):
    async with tcp(answering(*answers)) as port:
        assert await crowd(asking(port)) == expected


async def test_after_a_broken_connection_the_next_request_has_another():
    async with tcp(answering(OK, b"reset")) as port:
        assert await crowd(asking(port, 4)) == [b"hi", ConnectionResetError, b"hi", ConnectionResetError]


async def test_a_connection_that_its_server_closed_meanwhile_is_not_used_again():
    async with tcp(answering(OK)) as port:

        def job(engine: Engine) -> list[bytes]:
            client = HttpClient(engine, f"http://{HOST}:{port}")
            got = list[bytes]()
            for _ in range(2):
                got.append(in_lane(engine, lambda: client.request("GET", "/", {})).body)
                while client.connections:
                    gevent.sleep(0.01)
            return got

        assert await crowd(job) == [b"hi", b"hi"]


async def test_timeouts_to_connect_and_to_answer_are_told_apart():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with tcp(silent) as port:
        assert await crowd(asking(port, timeout=1.0)) == [AnswerTimeoutError]
    async with tcp(silent, backlog=0, start_serving=False) as port:
        assert await crowd(asking(port, timeout=0.1)) in ([ConnectionRefusedError], [ConnectTimeoutError])


async def test_requests_beyond_the_connections_wait_for_one_and_the_wait_is_response_time():
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(0.1)
            writer.write(OK)

    def job(engine: Engine) -> list[tuple[float, float]]:
        client, got = HttpClient(engine, f"http://{HOST}:{port}", most=1), list[tuple[float, float]]()
        for _ in range(3):
            engine.lend(lambda: got.append((a := client.request("GET", "/", {})) and (a.service, a.response)))
        while len(got) < 3:
            gevent.sleep(0.01)
        assert client.connections == 1
        return got

    async with tcp(slow) as port:
        times = await crowd(job)
    assert all(response >= number * 0.1 for number, (_, response) in enumerate(times, 1))
    assert times[2][1] - times[2][0] >= 0.1


async def test_a_lane_killed_while_it_waits_gives_its_connection_up_and_works_on():
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    def job(engine: Engine) -> tuple[list[str], int, int]:
        client, said = HttpClient(engine, f"http://{HOST}:{port}"), list[str]()

        def ask() -> None:
            lanes.append(gevent.getcurrent())
            try:
                client.request("GET", "/", {})
            finally:
                said.append("unwound")

        lanes = list[Any]()
        engine.lend(ask)
        while not engine.watching:
            gevent.sleep(0.01)
        engine.call(lambda: lanes[0].throw(gevent.GreenletExit))
        while client.connections:
            gevent.sleep(0.01)
        said.append(in_lane(engine, lambda: "same lane" if gevent.getcurrent() is lanes[0] else "another"))
        return said, engine.watching, engine.errors

    async with tcp(silent) as port:
        assert await crowd(job) == (["unwound", "same lane"], 0, 0)


async def test_lanes_are_lent_up_to_the_bound_and_whoever_waits_longer_is_late():
    def job(engine: Engine) -> tuple[list[int], int, int]:
        limited, order = Engine(lanes=2), list[int]()

        def work(number: int) -> None:
            limited.sleep(0.05)
            order.append(number)

        for number in range(6):
            limited.lend(lambda number=number: work(number), due=time.monotonic())
        while len(order) < 6:
            gevent.sleep(0.01)
        limited.settle()
        return order, limited.pool.lanes, limited.start_lag.above(0.08)

    order, lanes, late = await crowd(job)
    assert (sorted(order), lanes) == ([0, 1, 2, 3, 4, 5], 2)
    assert late >= 2


async def test_a_task_that_raises_is_reported_and_hurts_nobody():
    def job(engine: Engine) -> tuple[str, int]:
        def fail() -> None:
            raise KeyError("a task's bug")

        engine.lend(fail)
        engine.call(fail)
        engine.after(0.0, fail)
        engine.sleep(0.05)
        return in_lane(engine, lambda: "goes on"), engine.errors

    assert await crowd(job) == ("goes on", 3)


def test_the_crowd_imports_neither_locust_nor_yaml():
    root = Path(__file__).resolve().parents[2] / "loadtests" / "crowd"
    for file in root.glob("*.py"):
        text = file.read_text()
        assert "import locust" not in text
        assert "from locust" not in text
        assert "yaml" not in text.lower()


async def test_viewers_that_come_and_go_leave_nothing_behind():
    def churn(engine: Engine) -> tuple[list[int], int, int]:
        client, objects = HttpClient(engine, f"http://{HOST}:{shop}"), list[int]()

        def visit() -> None:
            listener = Listener()
            socket = WebSocket(engine, f"ws://x:{port}/", resolve(HOST, port), {}, listener)
            listener.until(1)
            socket.send("hello")
            listener.until(2)
            client.request("POST", "/", {}, b"{}")
            engine.sleep(0.001)
            socket.close()
            visits.append(1)

        for _ in range(6):
            visits = list[int]()
            for _ in range(60):
                engine.lend(visit)
            while len(visits) < 60:
                gevent.sleep(0.01)
            gc.collect()
            objects.append(sum("loadtests.crowd" in str(type(one).__module__) for one in gc.get_objects()))
        return objects[1:], engine.watching - client.connections, engine.errors

    answers = answering(*[OK] * 1000)
    async with serve(echo, HOST, 0) as server, tcp(answers) as shop:
        port = server.sockets[0].getsockname()[1]
        objects, watching, errors = await crowd(churn)
    assert (watching, errors) == (0, 0)
    assert max(objects) - min(objects) < 240  # a viewer has about five; the 60 shop connections are kept
