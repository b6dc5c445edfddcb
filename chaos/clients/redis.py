"""Redis: a server of a component, asked one command at a time on a connection of its own."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chaos.clients.resp import encode, login, refusal, tls_context
from flashcrowd import secret
from flashcrowd.dial import reason
from flashcrowd.documents import Model
from flashcrowd.errors import NeedError

if TYPE_CHECKING:
    from flashcrowd.components import RedisAddress
    from flashcrowd.guard import Guard

PORT = 6379


class RedisServer(Model):
    """Where it is, as the guard has checked it, and how it is logged in to. The password stays in the environment.

    tls_name: the name that its certificate must have; None without TLS.
    """

    host: str
    port: int
    tls_name: str | None = None
    user: str | None = None
    password_env: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    async def ask(self, timeout: float, *words: str) -> float:
        """Milliseconds of the answer to a command, connection included.

        Raises:
            TimeoutError: there was none within the timeout (seconds). OSError: nobody is there.
            NeedError: it was refused; says why. InputError: the password's variable isn't set.
        """
        hello = login(self.user, secret.read_env(self.password_env) if self.password_env else None)
        start = time.monotonic()
        async with asyncio.timeout(timeout):
            tls = tls_context(self.tls_name)
            reader, writer = await asyncio.open_connection(self.host, self.port, ssl=tls, server_hostname=self.tls_name)
            try:
                writer.write(hello + encode(*words))
                lines = [await reader.readline() for _ in range(2 if hello else 1)]
            finally:
                writer.close()
        for line in lines:
            if (said := refusal(line)) is not None:
                raise NeedError(f"Redis at {self} answers {words[0]} with {said}")
            if not line:
                raise ConnectionResetError("the connection was closed")
        return round((time.monotonic() - start) * 1000, 1)


async def server_of(address: RedisAddress, place: str, guard: Guard) -> RedisServer:
    """The server at the first of its addresses that takes a connection; all of them allowed.

    Raises:
        GuardError: one isn't. NeedError: nobody answers there.
    """
    parts = urlsplit(address.url)
    host, port = parts.hostname or "", parts.port or PORT
    failure = OSError("it has no address")
    for one in await asyncio.to_thread(guard.look_up, host, place):
        server = RedisServer(
            host=one,
            port=port,
            tls_name=host if parts.scheme == "rediss" else None,
            user=address.user,
            password_env=address.password_env,
        )
        try:
            await server.ask(5.0, "PING")
        except OSError as error:
            failure = error
        else:
            return server
    said = "PING is not answered within 5 s; is it paused?" if isinstance(failure, TimeoutError) else reason(failure)
    raise NeedError(f"{place}: Redis at {host}:{port}: {said}")
