"""Chat: one handshake, and one comment from one viewer to another, as the target file describes them."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from flashcrowd import codecs
from flashcrowd.dial import connected, place_of, reason
from flashcrowd.errors import GuardError, InputError
from flashcrowd.guard import Guard
from flashcrowd.target import Live, Target
from flashcrowd.units import about
from gamedays.doctor.row import Row
from loadtests.identities import Identity
from loadtests.markers import mark
from loadtests.variables import Variables, fill_json, fill_path, traceparent

PATIENCE = 5.0
"""Seconds for each step: an answer that takes longer is no chat."""

_SENDER = 36**6
"""The number of doctor's comment: above those of a crowd, so that none of them is taken for it."""


class _NoRoomError(Exception):
    """A viewer can't get into the room; says why."""


async def look(target: Target, guard: Guard, variables: Variables, people: list[Identity], room: str) -> list[Row]:
    """The chat, or nothing where the target has none. people: who speaks, and who listens."""
    live = target.spec.live
    if live is None:
        return []
    visit = _Visit(live, guard, variables, room)
    try:
        async with visit.enter(people[0]) as (listening, took), visit.enter(people[-1]) as (speaking, _):
            back = await visit.round_trip(speaking, listening, people[-1])
    except _NoRoomError as error:
        return [Row("chat", f"{error}", f"see that the chat runs, and mend spec.live ({live.url})")]
    says = f"connected in {about(took)}"
    if back is None:
        remedy = "look at spec.live.say, on_open and codec: is that what the platform's own app sends?"
        return [Row("chat", f"{says}, but no comment came back within {about(PATIENCE)}", remedy)]
    return [Row("chat", f"{says}, a comment came back in {about(back)}")]


class _Visit:
    """Viewers' way into one room."""

    def __init__(self, live: Live, guard: Guard, variables: Variables, room: str) -> None:
        self._live, self._guard, self._variables, self._room = live, guard, variables, room
        self._codec = codecs.load(live.codec)

    @asynccontextmanager
    async def enter(self, identity: Identity) -> AsyncIterator[tuple[ClientConnection, float]]:
        """A viewer in the room, and the seconds that it took. Raises _NoRoomError."""
        started = time.monotonic()
        connection = await self._connect(identity)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._let_in(connection)
            for text in self._live.on_open:
                await connection.send(self._frame(text, identity))
            yield connection, time.monotonic() - started
        except TimeoutError:
            raise _NoRoomError(f"the server let nobody in within {about(PATIENCE)} of the handshake") from None
        except ConnectionClosed as error:
            raise _NoRoomError(f"the server closed the connection: {error}") from None
        finally:
            await connection.close()

    async def round_trip(
        self, speaking: ClientConnection, listening: ClientConnection, speaker: Identity
    ) -> float | None:
        """Seconds from a comment's start to its arrival; None when it doesn't arrive."""
        said = mark(_SENDER, 1, time.time())
        started = time.monotonic()
        await speaking.send(self._frame(self._live.say, speaker, text=f"flashcrowd doctor {said}"))
        try:
            async with asyncio.timeout(PATIENCE):
                while said.encode() not in await self._hear(listening):
                    pass
        except TimeoutError:
            return None
        return time.monotonic() - started

    async def _connect(self, identity: Identity) -> ClientConnection:
        values = self._variables.of(identity, room=self._room, traceparent=traceparent())
        url = self._codec.url(fill_path(self._live.url, values))
        host, port = place_of(url)
        try:
            address = await connected(self._guard, host, port, "spec.live.url")
            async with asyncio.timeout(PATIENCE):
                return await connect(
                    url,
                    host=address,
                    port=port,
                    additional_headers=self._variables.headers(self._live.headers, values),
                    proxy=None,
                    user_agent_header=None,
                )
        except GuardError as error:
            raise _NoRoomError(str(error)) from None
        except TimeoutError:
            raise _NoRoomError(f"no answer at {host}:{port} within {about(PATIENCE)}") from None
        except InvalidStatus as error:
            raise _NoRoomError(f"the handshake was answered with {error.response.status_code}") from None
        except (InvalidHandshake, EOFError, ValueError) as error:
            raise _NoRoomError(f"what answers at {host}:{port} is no WebSocket: {error}") from None
        except ssl.SSLError as error:
            raise _NoRoomError(f"no TLS with {host}:{port}: {_tls(error)}") from None
        except OSError as error:
            raise _NoRoomError(f"nobody answers at {host}:{port}: {reason(error)}") from None

    async def _let_in(self, connection: ClientConnection) -> None:
        while self._codec.waits:
            decoded = self._decoded(await connection.recv(decode=False))
            for text in decoded.replies:
                await connection.send(text)
            if decoded.refused is not None:
                raise _NoRoomError(decoded.refused)
            if decoded.ready:
                return

    async def _hear(self, connection: ClientConnection) -> bytes:
        """The next frame's text, in which a comment may be."""
        frame = await connection.recv(decode=False)
        decoded = self._decoded(frame)
        for text in decoded.replies:
            await connection.send(text)
        return frame if decoded.text is None else decoded.text

    def _decoded(self, frame: bytes) -> codecs.Decoded:
        try:
            return self._codec.decode(frame)
        except ValueError:
            return codecs.Decoded()

    def _frame(self, template: str, identity: Identity, **more: str) -> str:
        values: Mapping[str, str] = self._variables.of(identity, room=self._room, **more)
        try:
            return self._codec.encode(fill_json(template, values))
        except InputError as error:
            raise _NoRoomError(str(error)) from None


def _tls(error: ssl.SSLError) -> str:
    return getattr(error, "verify_message", "") or (error.reason or str(error)).lower().replace("_", " ")
