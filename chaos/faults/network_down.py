"""`network.down`: nobody listens at a link any more, and its connections are closed.

    {kind: network.down, on: inventory, for: 30s}

Needs: a `link` on the component, whose proxy is enabled.

Bites: when a connection to the link is refused.

Heals: the proxy is enabled again.

Holds: our own proxy enables itself a second after the fault's time; a Toxiproxy doesn't, and `flashcrowd chaos recover`
enables it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import ClassVar, Literal

from chaos.clients.toxiproxy import NothingThereError, Toxiproxy
from chaos.fault import Fault, Injection, Probe
from chaos.kinds.toxic_fault import GRACE, PATIENCE, reach
from flashcrowd.components import Component
from flashcrowd.errors import InputError
from flashcrowd.guard import Guard
from flashcrowd.units import format_duration


class DownInjection(Injection):
    """A proxy that is disabled. host, port: where it listened. ttl: seconds after which our own enables itself."""

    toxiproxy: str
    proxy: str
    host: str
    port: int
    ttl: float

    async def inject(self) -> None:
        await self._api.enable(self.proxy, False, self.ttl)

    async def bites(self) -> Probe:
        if await self._is_open():
            return Probe(False, f"{self.host}:{self.port} still takes connections")
        return Probe(True, f"connections to {self.host}:{self.port} are refused")

    async def heal(self) -> None:
        with contextlib.suppress(NothingThereError):  # what held it is gone, and nothing is left to be enabled
            await self._api.enable(self.proxy, True)

    async def healed(self) -> Probe:
        try:
            enabled = await self._api.enabled(self.proxy)
        except NothingThereError:
            return Probe(True, f"nothing listens at {self.toxiproxy} any more, and the proxy is gone with it")
        if enabled is None:
            return Probe(True, f"there is no proxy {self.proxy} any more")
        if not enabled or not await self._is_open():
            return Probe(False, f"the proxy {self.proxy} is still down")
        return Probe(True, f"{self.host}:{self.port} takes connections again")

    def by_hand(self) -> str:
        return self._api.enabling_by_hand(self.proxy)

    async def _is_open(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                _, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return False
        writer.close()
        return True

    @property
    def _api(self) -> Toxiproxy:
        return Toxiproxy(self.toxiproxy)


class NetworkDown(Fault):
    """The whole link, every connection of it."""

    kind: Literal["network.down"] = "network.down"

    injection: ClassVar[type[Injection]] = DownInjection

    def describe(self) -> str:
        return f"{self.kind} on {self.on} for {format_duration(self.duration)}"

    def check(self, component: Component) -> str | None:
        if component.link is None:
            return f"{self.on} has no link; give it one (toxiproxy, proxy) in the target file"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> DownInjection:
        assert component.link is not None
        link = component.link
        toxiproxy, near = await reach(self.on, link, guard)
        if not await Toxiproxy(toxiproxy).enabled(link.proxy):
            raise InputError(f"the proxy {link.proxy} at {toxiproxy} is disabled already; whoever did that enables it")
        ttl = self.duration + GRACE
        return DownInjection(toxiproxy=toxiproxy, proxy=link.proxy, host=near.host, port=near.port, ttl=ttl)
