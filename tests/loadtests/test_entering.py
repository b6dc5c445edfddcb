"""Rooms that a viewer must be let into: a server that says nothing, and one that throws people out."""

from __future__ import annotations

import asyncio
from itertools import count

import gevent
import pytest
from websockets.asyncio.server import ServerConnection, serve

from flashcrowd.target import Live as LiveSpec
from loadtests import live, room
from loadtests.crowd.engine import Engine
from loadtests.crowd.errors import ConnectTimeoutError, HandshakeError
from loadtests.identities import Identity
from loadtests.metrics import Tally
from loadtests.report import Request
from loadtests.variables import Variables


def attempts(port: int, wanted: int) -> tuple[list[Request], Tally]:
    """What is reported of a viewer's first attempts to enter, so many or more, and the tally once it has left."""
    engine, tally, reported = Engine(), Tally(), list[Request]()
    spec = LiveSpec(url=f"ws://127.0.0.1:{port}", say='["chat"]', codec="socketio")
    chat = live.Live(engine, spec, Variables("a-run"), tally, reported.append, ["main"], count())
    viewer = gevent.spawn(chat.enter, Identity({"identity.user": "mei", "identity.token": "t"}))
    try:
        with gevent.Timeout(30):
            while len(reported) < wanted:
                gevent.sleep(0.01)
    finally:
        viewer.kill()
        for left in list(engine._watched.values()):
            left.close()  # type: ignore[attr-defined]
        gevent.get_hub().destroy(destroy_loop=True)
    return reported, tally


@pytest.mark.parametrize(
    ("hello", "error", "message"),
    [
        ("", ConnectTimeoutError, "the server let nobody in within 0.2 s of the handshake"),
        ("44full", HandshakeError, "the server refused the viewer: full"),
    ],
)
async def test_who_is_not_let_in_tries_again(monkeypatch, hello, error, message):
    monkeypatch.setattr(room, "CONNECT", 0.2)
    monkeypatch.setattr(room, "BACKOFF", (0.01, 0.02))
    monkeypatch.setattr(live, "SPREAD", 0.0)

    async def watch(connection: ServerConnection) -> None:
        if hello:
            await connection.send(hello)
        await connection.wait_closed()

    async with serve(watch, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reported, tally = await asyncio.to_thread(attempts, port, 3)
    told = {(request.name, type(request.error), str(request.error)) for request in reported}
    assert told == {("connect", error, message)}
    assert tally.viewers["connecting"] == tally.viewers["connected"] == 0
