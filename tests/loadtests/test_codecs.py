"""Chats in other tongues than JSON, with real Locust children: a python-socketio server, and a codec of one's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import socketio
from aiohttp import web
from websockets.asyncio.server import ServerConnection, broadcast, serve

from flashcrowd.process import free_port
from flashcrowd.target import Target, read_target
from loadtests import runner

CHATTER = """
wait_time = constant(0.2)

def on_start(self):
    self.room = self.live.enter(self.identity)
    self.room.on("sale.opened", self.rush)

@task
def chat(self):
    self.room.say('a "quoted" word')

def rush(self, sale):
    self.room.say(f"I want {sale.sku}")
"""


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@dataclass
class Chat:
    """What a chat has seen, and where it is."""

    port: int = field(default_factory=free_port)
    said: list[str] = field(default_factory=list)
    joined: int = 0
    handshakes: list[dict[str, Any]] = field(default_factory=list)
    refuse: int = 0


def target(chat: Chat, **live: object) -> Target:
    return Target.model_validate(
        {
            "metadata": {"name": "chat"},
            "spec": {
                "environment": "test",
                "allow_hosts": ["127.0.0.1"],
                "max_viewers": 100,
                "mark": {"headers": {"x-scene-id": "${run}", "traceparent": "${traceparent}"}},
                "live": {"url": f"ws://127.0.0.1:{chat.port}", **live},
            },
        }
    )


@pytest.fixture
async def socket_io() -> AsyncIterator[tuple[Chat, socketio.AsyncServer]]:
    """A python-socketio server whose chat reaches everybody; it pings each second."""
    chat = Chat()
    server = socketio.AsyncServer(async_mode="aiohttp", ping_interval=1, ping_timeout=1)

    @server.event
    async def connect(sid: str, environ: dict[str, Any]) -> None:
        chat.handshakes.append(environ)
        if chat.refuse:
            chat.refuse -= 1
            raise socketio.exceptions.ConnectionRefusedError("the room is full")

    @server.event
    async def join(sid: str, data: dict[str, Any]) -> None:
        chat.joined += data["who"].startswith("viewer-")

    @server.on("chat")
    async def said(sid: str, data: dict[str, Any]) -> None:
        chat.said.append(data["text"])
        await server.emit("chat", data)

    app = web.Application()
    server.attach(app)
    site = web.AppRunner(app, shutdown_timeout=0.1)
    await site.setup()
    await web.TCPSite(site, "127.0.0.1", chat.port).start()
    yield chat, server
    await site.cleanup()


async def test_viewers_chat_with_a_real_socketio_server(socket_io, run, supervisor, scenario, spec, guard):
    chat, server = socket_io
    chat.refuse = 2
    described = target(
        chat,
        codec="socketio",
        on_open=['["join", {"who": "${identity.user}"}]'],
        say='["chat", {"text": "${text}"}]',
        events={"sale.opened": {"event": "sale_opened"}},
    )
    load = await runner.start(supervisor, spec(scenario(CHATTER), duration=60.0), run, described, guard)
    await until(lambda: chat.joined == 6)
    await server.emit("sale_opened", {"sku": "lipstick-01"})
    await until(lambda: sum(text.startswith("I want lipstick-01 ~") for text in chat.said) == 6)
    said = len(chat.said)
    await until(lambda: len(chat.said) > said + 60)  # two seconds, after which a viewer without a pong is thrown out
    await load.stop()
    requests = {row.name: row for row in load.result().requests}
    assert (requests["connect"].requests, requests["connect"].failures) == (8 - chat.refuse, 2)
    assert chat.joined == 6
    assert requests["say"].failures == 0
    assert any(text.startswith('a "quoted" word ~') for text in chat.said)
    assert load.result().deliveries["on_time"] > 100
    assert {one["HTTP_X_SCENE_ID"] for one in chat.handshakes} == {run.name}
    assert all(re.fullmatch(r"00-\w{32}-\w{16}-01", one["HTTP_TRACEPARENT"]) for one in chat.handshakes)


OWN = '''
"""A tongue of one's own: KIND|field=value;field=value, and a hello before anybody may talk."""

from flashcrowd.codecs import Codec, Decoded

class Pipes(Codec):
    waits = True

    def encode(self, text):
        return "SAY|" + text

    def decode(self, frame):
        kind, _, rest = frame.decode().partition("|")
        if kind == "HELLO":
            return Decoded(ready=True, replies=("THANKS|",))
        return Decoded({"kind": kind, **dict(pair.split("=", 1) for pair in rest.split(";") if pair)})
'''


async def test_a_codec_beside_the_target_file_works(run, supervisor, scenario, spec, guard, tmp_path):
    chat, viewers = Chat(), set[ServerConnection]()

    async def watch(connection: ServerConnection) -> None:
        await connection.send("HELLO|")
        async for text in connection:
            kind, _, rest = str(text).partition("|")
            if kind == "THANKS":
                viewers.add(connection)
                continue
            chat.said.append(rest)
            broadcast(viewers, f"CHAT|{rest}")

    (tmp_path / "pipes.py").write_text(OWN)
    (tmp_path / "chat.yaml").write_text(
        "apiVersion: flashcrowd/v1\nkind: Target\nmetadata: {name: chat}\nspec:\n  environment: test\n"
        f"  allow_hosts: [127.0.0.1]\n  max_viewers: 10\n  live:\n    url: ws://127.0.0.1:{chat.port}\n"
        "    say: text=${text}\n    codec: pipes:Pipes\n    events: {sale.opened: {kind: OPEN}}\n"
    )
    async with serve(watch, "127.0.0.1", chat.port, compression=None):
        described = read_target(tmp_path / "chat.yaml")
        load = await runner.start(supervisor, spec(scenario(CHATTER), duration=60.0), run, described, guard)
        await until(lambda: len(viewers) == 6)
        broadcast(viewers, "OPEN|sku=soap")
        await until(lambda: sum(text.startswith("text=I want soap ~") for text in chat.said) == 6)
        await load.stop()
    assert {row.name: row.failures for row in load.result().requests} == {"connect": 0, "say": 0}
    assert load.result().deliveries["on_time"] > 0
