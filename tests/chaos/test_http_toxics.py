"""Toxics that strike requests: those alone, all else byte for byte, and every answer in its order."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import h11
import pytest
import websockets
from websockets.asyncio.server import serve

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def add(proxy, kind: str, name: str = "t", **attributes: Any) -> None:
    body = {"name": name, "type": kind, "attributes": attributes}
    answer = await proxy.client.post("/proxies/inventory/toxics", json=body)
    assert answer.status_code == 200, answer.text


async def remove(proxy, name: str = "t") -> None:
    assert (await proxy.client.delete(f"/proxies/inventory/toxics/{name}")).status_code == 204


async def seen(proxy, name: str = "t") -> dict[str, int]:
    return (await proxy.client.get(f"/proxies/inventory/toxics/{name}")).json()["seen"]


class Echo:
    """An HTTP server that answers with the method, the path and the body of what it was asked; it counts requests."""

    def __init__(self) -> None:
        self.requests: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        with contextlib.suppress(OSError, h11.RemoteProtocolError):
            while await self._one(connection, reader, writer):
                connection.start_next_cycle()
        writer.close()

    async def _one(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        request, body = None, b""
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                if connection.they_are_waiting_for_100_continue:
                    writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.ConnectionClosed):
                return False
        assert request is not None
        what = f"{request.method.decode()} {request.target.decode()}"
        self.requests.append(what)
        answer = what.encode() + b" " + body
        chunked = b"chunked" in request.target
        head = [("transfer-encoding", "chunked")] if chunked else [("content-length", str(len(answer)))]
        writer.write(connection.send(h11.Response(status_code=200, headers=head)) or b"")
        for start in range(0, len(answer), 50_000):
            writer.write(connection.send(h11.Data(answer[start : start + 50_000])) or b"")
            await writer.drain()
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, tuple[str, int]]]:
    handler = Echo()
    async with await asyncio.start_server(handler, "127.0.0.1", 0) as server:
        yield handler, server.sockets[0].getsockname()


@pytest.fixture
async def link(proxy, echo) -> tuple[str, int]:
    """A proxy to the server."""
    address: tuple[str, int] = await proxy.create("inventory", echo[1])
    return address


def request(method: str, path: str, body: bytes = b"", chunked: bool = False) -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: a\r\n"
    if chunked:
        parts = [body[start : start + 1000] for start in range(0, len(body), 1000)]
        wire = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"
        return head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + wire
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{head}{length}\r\n".encode() + body


class Client:
    """One connection, answers read one after the other."""

    def __init__(self, connection: Connection) -> None:
        self.reader, self.writer = connection
        self._parser = h11.Connection(h11.CLIENT)

    async def answer(self, method: str = "GET") -> tuple[int, bytes]:
        """The next answer's status and body."""
        self._parser.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
        self._parser.send(h11.EndOfMessage())
        status, body = 0, b""
        while not isinstance(event := self._parser.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                self._parser.receive_data(await asyncio.wait_for(self.reader.read(65536), 20))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
        if self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE:
            self._parser.start_next_cycle()
        return status, body

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        self.writer.write(request(method, path, body))
        return await self.answer(method)


async def client(link: tuple[str, int]) -> Client:
    return Client(await asyncio.open_connection(*link))


async def test_a_request_that_is_struck_is_answered_and_the_next_one_goes_through(proxy, link, echo):
    await add(proxy, "http_error", status=503, path="/orders", body='{"reason": "chaos"}', retry_after=2)
    one = await client(link)
    assert await one.ask("POST", "/orders", b"x" * 100_000) == (503, b'{"reason": "chaos"}')
    assert await one.ask("GET", "/stock") == (200, b"GET /stock ")
    assert (await one.ask("HEAD", "/orders"))[0] == 503
    assert await one.ask("GET", "/orders/7") == (200, b"GET /orders/7 ")
    assert echo[0].requests == ["GET /stock", "GET /orders/7"]
    assert await seen(proxy) == {"requests": 4, "matched": 2, "answered": 2, "not_http": 0}
    one.writer.close()


async def test_a_connection_that_was_kept_open_is_struck_at_its_next_request(proxy, link):
    one = await client(link)
    assert (await one.ask("GET", "/a"))[0] == 200
    await add(proxy, "http_error", status=500)
    assert (await one.ask("GET", "/a"))[0] == 500
    await remove(proxy)
    assert (await one.ask("GET", "/a"))[0] == 200
    one.writer.close()


async def test_answers_come_in_the_order_of_their_requests(proxy, link):
    await add(proxy, "http_error", status=503, path="/bad*")
    one = await client(link)
    paths = [f"/{'bad' if number % 3 == 0 else 'good'}{number}" for number in range(30)]
    one.writer.write(b"".join(request("POST", path, b"abc") for path in paths))
    answers = [await one.answer("POST") for _ in paths]
    wanted = [(503, b"") if "bad" in path else (200, f"POST {path} abc".encode()) for path in paths]
    assert answers == wanted
    one.writer.close()


async def test_the_share_of_requests_is_what_was_asked(proxy, link):
    await add(proxy, "http_error", status=503, share=0.3)
    one = await client(link)
    statuses = [(await one.ask("GET", "/"))[0] for _ in range(400)]
    assert 80 <= statuses.count(503) <= 160  # 120, give or take more than four standard deviations
    one.writer.close()


async def test_a_delay_holds_a_request_and_what_comes_behind_it(proxy, link):
    await add(proxy, "http_delay", delay=200, path="/slow")
    one, other = await client(link), await client(link)
    start = time.monotonic()
    one.writer.write(request("GET", "/slow") + request("GET", "/quick"))
    assert (await other.ask("GET", "/quick"))[0] == 200
    assert [await one.answer(), await one.answer()] == [(200, b"GET /slow "), (200, b"GET /quick ")]
    assert time.monotonic() - start >= 0.2
    for each in (one, other):
        each.writer.close()


async def test_requests_that_are_held_go_on_when_their_toxic_goes(proxy, link, echo):
    await add(proxy, "http_delay", delay=3_600_000)
    clients = [await client(link) for _ in range(20)]
    for number, one in enumerate(clients):
        one.writer.write(request("POST", f"/{number}", b"abc"))

    while (await seen(proxy))["delayed"] < 20:
        await asyncio.sleep(0.01)
    assert echo[0].requests == []
    await remove(proxy)
    answers = await asyncio.gather(*(one.answer("POST") for one in clients))
    assert answers == [(200, f"POST /{number} abc".encode()) for number in range(20)]
    assert len(echo[0].requests) == 20
    for one in clients:
        one.writer.close()


async def test_all_else_passes_byte_for_byte_while_toxics_come_and_go(proxy, link):
    over = asyncio.Event()

    async def toggle() -> None:
        for number in range(30):
            kind, more = ("http_error", {"status": 500}) if number % 2 else ("http_delay", {"delay": 1})
            await add(proxy, kind, path="/never", **more)
            await remove(proxy)
        over.set()

    async def talk(seed: int) -> None:
        rng, one = random.Random(seed), await client(link)
        while not over.is_set():
            body = rng.randbytes(rng.choice((0, 1, 1000, 70_000)))
            path = rng.choice(("/plain", "/chunked"))
            wire = request("POST", path, body, chunked=bool(body) and rng.random() < 0.5)
            cut = rng.randrange(len(wire))
            for part in (wire[:cut], wire[cut:]):
                one.writer.write(part)
                await asyncio.sleep(0)
            assert await one.answer("POST") == (200, f"POST {path} ".encode() + body)
        one.writer.close()

    await asyncio.gather(toggle(), *(talk(seed) for seed in range(6)))


async def test_who_waits_for_100_continue_hears_it(proxy, link):
    one = await client(link)
    head = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    await add(proxy, "http_error", status=503, path="/bad")
    for path, status in ((b"good", 200), (b"bad", 503)):
        one.writer.write(head % path)
        assert (await asyncio.wait_for(one.reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 100")
        one.writer.write(b"abc")
        assert (await one.answer("POST"))[0] == status
    one.writer.close()


async def test_a_websocket_passes_and_is_no_request_any_more(proxy):
    async def shout(socket) -> None:
        async for message in socket:
            await socket.send(message.upper())

    async with serve(shout, "127.0.0.1", 0) as server:
        link = await proxy.create("inventory", next(iter(server.sockets)).getsockname()[:2])
        await add(proxy, "http_error", status=503, path="/never")
        async with websockets.connect(f"ws://{link[0]}:{link[1]}/room", proxy=None) as socket:
            for text in ("hello", "GET / HTTP/1.1\r\n\r\n", "x" * 200_000):
                await socket.send(text)
                assert await asyncio.wait_for(socket.recv(), 10) == text.upper()


async def test_what_is_no_http_passes_and_is_counted(proxy, upstream):
    link = await proxy.create("inventory", upstream)
    await add(proxy, "http_error", status=503)
    reader, writer = await asyncio.open_connection(*link)
    writer.write(b"\x00\x01 not http")
    assert await asyncio.wait_for(reader.readexactly(11), 10) == b"\x00\x01 not http"
    assert (await seen(proxy))["not_http"] == 1
    writer.close()


async def test_an_answer_that_ends_with_its_connection_comes_whole(proxy):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(300_000))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        link = await proxy.create("inventory", server.sockets[0].getsockname())
        await add(proxy, "http_delay", delay=5)
        reader, writer = await asyncio.open_connection(*link)
        writer.write(request("GET", "/"))
        assert len(await asyncio.wait_for(reader.read(), 20)) == len(b"HTTP/1.1 200 OK\r\n\r\n") + 300_000
        writer.close()
