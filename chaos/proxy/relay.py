"""Relays: the proxies of one process, each a listener, its tunnels and its toxics; the API is a thin layer above."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

from chaos.proxy.toxic import STREAMS, Stream, Toxic
from chaos.proxy.tunnel import End, Tunnel

BACKLOG = 4096
"""Connections the kernel may hold for us while a crowd arrives at once."""


class ApiError(Exception):
    """What the API answers instead; `status` is its HTTP status, and both are in the body."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class Relay:
    """One proxy: what connects to `listen` reaches `upstream` through the toxics. Addresses are `host:port`."""

    def __init__(self, name: str, listen: str, upstream: str) -> None:
        _check_addresses(listen, upstream)
        self.name, self.listen, self.upstream = name, listen, upstream
        self._server: asyncio.Server | None = None
        self._tunnels: set[Tunnel] = set()
        self._toxics: dict[str, Toxic] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._reopening: asyncio.Task[None] | None = None

    @property
    def enabled(self) -> bool:
        return self._server is not None

    @property
    def toxics(self) -> list[Toxic]:
        """In the API's order: those of the upstream direction first, each direction's as they were added."""
        return [toxic for stream in STREAMS for toxic in self._of(stream)]

    async def start(self) -> None:
        """Listen; nothing to do when it does already. `listen` becomes the address that was taken.

        Raises:
            ApiError: the address can't be listened on.
        """
        if self._server is not None:
            return
        host, port = split_address(self.listen)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            # One address, as Toxiproxy takes: "localhost" is 127.0.0.1 where both are there.
            address = min(found, key=lambda row: row[0] != socket.AF_INET)[4][0]
            self._server = await loop.create_server(self._accept, str(address), port, backlog=BACKLOG)
        except OSError as error:
            raise ApiError(f"listen tcp {self.listen}: {reason(error)}", 500) from None
        self.listen = join_address(self._server.sockets[0].getsockname())

    def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for tunnel in list(self._tunnels):
            tunnel.abort()

    def retire(self) -> None:
        """Stop for good: nothing that was to happen later happens."""
        self.stop()
        for end in self._ends.values():
            end.cancel()
        if self._reopening is not None:
            self._reopening.cancel()

    async def update(self, listen: str, upstream: str, enabled: bool | None, ttl: float | None = None) -> None:
        """Move, close or open the proxy; a new address closes the connections to the old one.

        enabled: None leaves it as it is, or as it would be by itself. ttl: seconds after which a proxy that is closed
        now opens again by itself.
        """
        was_enabled = self.enabled
        if (listen, upstream) != (self.listen, self.upstream):
            _check_addresses(listen, upstream)
            self.stop()
            self.listen, self.upstream = listen, upstream
        if enabled is not None and self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None
        if was_enabled if enabled is None else enabled:
            await self.start()
            return
        self.stop()
        if ttl is not None and self._reopening is None:
            self._reopening = asyncio.get_running_loop().create_task(self._open_after(ttl))

    def toxic(self, name: str) -> Toxic:
        """Raises ApiError when there is no toxic of this name."""
        try:
            return self._toxics[name]
        except KeyError:
            raise ApiError("toxic not found", 404) from None

    def add(self, toxic: Toxic) -> None:
        """Apply a toxic to all connections, those that are open included. Raises ApiError when its name is taken."""
        if toxic.name in self._toxics:
            raise ApiError("toxic already exists", 409)
        self._toxics[toxic.name] = toxic
        if toxic.ttl is not None:
            self._ends[toxic.name] = asyncio.get_running_loop().call_later(toxic.ttl, self.remove, toxic.name)
        for tunnel in self._linked():
            tunnel.add(toxic)

    def replace(self, toxic: Toxic) -> None:
        """Change a toxic's attributes or toxicity in its place. Raises ApiError when there is none of its name."""
        self.toxic(toxic.name)
        self._toxics[toxic.name] = toxic
        for tunnel in self._linked():
            tunnel.update(toxic)

    def remove(self, name: str) -> None:
        """Take a toxic out of all connections. Raises ApiError when there is none of this name."""
        toxic = self.toxic(name)
        del self._toxics[name]
        if (end := self._ends.pop(name, None)) is not None:
            end.cancel()
        for tunnel in self._linked():
            tunnel.remove(toxic)

    def as_dict(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": [toxic.as_dict() for toxic in self.toxics],
        }

    async def _open_after(self, ttl: float) -> None:
        await asyncio.sleep(ttl)
        self._reopening = None
        with contextlib.suppress(ApiError):  # its port is taken by now: it stays closed, and says so when asked
            await self.start()

    def _accept(self) -> End:
        tunnel = Tunnel(split_address(self.upstream), self._of, self._tunnels.discard)
        self._tunnels.add(tunnel)
        return tunnel.client

    def _of(self, stream: Stream) -> list[Toxic]:
        return [toxic for toxic in self._toxics.values() if toxic.stream == stream]

    def _linked(self) -> list[Tunnel]:
        """The tunnels whose upstream is connected, as a list: letting go of held bytes may close some."""
        return [tunnel for tunnel in self._tunnels if tunnel.links]


class Relays:
    """The proxies of a process by name, in the order of their making."""

    def __init__(self) -> None:
        self._relays: dict[str, Relay] = {}

    def __iter__(self) -> Iterator[Relay]:
        return iter(list(self._relays.values()))

    def get(self, name: str) -> Relay:
        """Raises ApiError when there is no proxy of this name."""
        try:
            return self._relays[name]
        except KeyError:
            raise ApiError("proxy not found", 404) from None

    async def add(self, relay: Relay, enabled: bool = True) -> None:
        """Take in a proxy and start it. Raises ApiError: the name is taken, or it can't listen."""
        if relay.name in self._relays:
            raise ApiError("proxy already exists", 409)
        self._relays[relay.name] = relay
        try:
            if enabled:
                await relay.start()
        except ApiError:
            del self._relays[relay.name]
            raise

    async def put(self, relay: Relay, enabled: bool = True) -> Relay:
        """Add a proxy, or put it in the place of its namesake; one with the same addresses stays, with its toxics."""
        old = self._relays.get(relay.name)
        if old is not None and (old.listen, old.upstream) == (relay.listen, relay.upstream):
            return old
        if old is not None:
            self.remove(old.name)
        await self.add(relay, enabled)
        return relay

    def remove(self, name: str) -> None:
        """Stop and forget a proxy. Raises ApiError when there is none of this name."""
        self.get(name).retire()
        del self._relays[name]

    async def reset(self) -> None:
        """Enable every proxy and remove every toxic."""
        for relay in self:
            await relay.start()
            for toxic in relay.toxics:
                relay.remove(toxic.name)


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[::1]:port`; no host is the loopback one, no address any free port of it.

    Raises:
        ApiError: there is no port in it.
    """
    host, _, port = (address or "127.0.0.1:0").rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ApiError(f"address {address}: missing port in address", 400)
    return host.strip("[]") or "127.0.0.1", int(port)


def reason(error: OSError) -> str:
    """Why the kernel refused, without what Python adds to it."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _check_addresses(*addresses: str) -> None:
    for address in addresses:
        split_address(address)


def join_address(address: tuple[Any, ...]) -> str:
    """`host:port` of a socket's address."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
