"""`dns.fail`: a component's queries for some names fail, through flashcrowd's own resolver.

    {kind: dns.fail, on: shop, names: [inventory.internal, "*.svc"], mode: servfail, share: 50 %, for: 60s}

Needs: `resolver` on the component, the API of the `python -m chaos.resolver` that it asks for names. `mode` is
nxdomain, servfail, refused, or timeout, which is silence.

Bites: when a query of our own for the first name without a wildcard fails as asked; where all have one, when one of the
component's own queries has failed within five seconds.

Heals: the resolver forgets the fault, which carries its own name.

Holds: the resolver forgets it by itself a second after the fault's time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from chaos.clients.plain_http import Answer, RefusedError, ask
from chaos.fault import Fault, Injection, Probe
from chaos.kinds.asking import enough
from flashcrowd.components import Component
from flashcrowd.dial import pinned
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.units import Ratio, format_duration

TIMEOUT = 5.0
QUERY = 1.0
"""Seconds for the answer to a query."""
TRAFFIC = 5.0
GRACE = 1.0

Mode = Literal["nxdomain", "servfail", "refused", "timeout"]


class DnsInjection(Injection):
    """A fault at the resolver's API. asked: the name that we ask for ourselves; None where others' queries tell.

    host, port: where the resolver answers queries. before: how it did before the fault.
    """

    api: str
    name: str
    names: list[str]
    mode: Mode
    share: float
    ttl: float
    host: str
    port: int
    asked: str | None
    before: str | None

    async def inject(self) -> None:
        body = {"name": self.name, "names": self.names, "mode": self.mode, "share": self.share, "ttl": self.ttl}
        answer = await self._call("POST", "/faults", body)
        if answer.status != 201:
            raise NeedError(f"the resolver at {self.api} refused the fault: {answer.body.decode(errors='replace')}")

    async def bites(self) -> Probe:
        if self.asked is None:
            return await self._on_traffic()
        if self.before == self.mode:
            return Probe(False, f"can't be seen: {self.asked} was answered with {self.before} before, too")
        seen = await asyncio.gather(*(query(self.asked, self.host, self.port) for _ in range(enough(self.share))))
        failed = sum(one == self.mode for one in seen)
        text = f"{self.asked}: {self.mode}" if failed else f"{self.asked} is answered with {seen[0]}"
        return Probe(failed > 0, f"{text}, {failed} of {len(seen)}", {"failed": failed, "asked": len(seen)})

    async def heal(self) -> None:
        with contextlib.suppress(RefusedError):  # the faults of a resolver end with its process
            await self._call("DELETE", f"/faults/{self.name}")

    async def healed(self) -> Probe:
        try:
            if await self._found() is not None:
                return Probe(False, f"the fault {self.name} is still at {self.api}")
        except RefusedError:
            return Probe(True, f"nothing listens at {self.api} any more, and the fault is gone with it")
        if self.asked is None:
            return Probe(True, "removed", {"back": None})
        now = await query(self.asked, self.host, self.port)
        return Probe(True, f"removed, {self.asked} is answered with {now}", {"back": now == self.before})

    def by_hand(self) -> str:
        return f"curl -X DELETE '{self.api}/faults/{self.name}'"

    async def _on_traffic(self) -> Probe:
        until = time.monotonic() + TRAFFIC
        while True:
            found = await self._found() or {"seen": 0, "hit": 0}
            if found["hit"]:
                return Probe(True, f"{found['hit']} of {found['seen']} queries failed", _counts(found))
            if time.monotonic() > until:
                return Probe(False, f"no query for {', '.join(self.names)} came in {TRAFFIC:g} s", _counts(found))
            await asyncio.sleep(0.1)

    async def _found(self) -> dict[str, Any] | None:
        faults = (await self._call("GET", "/faults")).json()
        return next((fault for fault in faults if fault["name"] == self.name), None)

    async def _call(self, verb: str, path: str, body: object = None) -> Answer:
        return await ask(verb, self.api + path, TIMEOUT, body)


class DnsFail(Fault):
    """Queries for `names` (globs) fail in this `mode`, a `share` of them."""

    kind: Literal["dns.fail"] = "dns.fail"
    names: Annotated[list[str], Field(min_length=1)]
    mode: Mode = "servfail"
    share: Annotated[Ratio, Field(gt=0)] = 1.0

    injection: ClassVar[type[Injection]] = DnsInjection

    def describe(self) -> str:
        share = f"{self.share * 100:.3g} % of queries for " if self.share < 1 else ""
        return (
            f"{self.kind} on {self.on}, {self.mode} for {share}{', '.join(self.names)}, "
            f"for {format_duration(self.duration)}"
        )

    def check(self, component: Component) -> str | None:
        if component.resolver is None:
            return f"{self.on} has no resolver; give it one (the API of `python -m chaos.resolver`) in the target file"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> DnsInjection:
        assert component.resolver is not None
        place = f"components.{self.on}.resolver"
        api = (await pinned(guard, component.resolver, place)).rstrip("/")
        host, port = await _listener(api)
        guard.check_host(host, place)
        asked = next((name for name in self.names if "*" not in name and "?" not in name), None)
        return DnsInjection(
            api=api,
            name=f"flashcrowd-{identity}",
            names=self.names,
            mode=self.mode,
            share=self.share,
            ttl=self.duration + GRACE,
            host=host,
            port=port,
            asked=asked,
            before=await query(asked, host, port) if asked is not None else None,
        )


async def query(name: str, host: str, port: int) -> str:
    """How a query for a name's address is answered: `noerror`, another code in lower case, or `timeout`."""
    import dns.asyncquery
    import dns.exception
    import dns.message
    import dns.rcode

    try:
        answer = await dns.asyncquery.udp(dns.message.make_query(name, "A"), host, QUERY, port)
    except (OSError, dns.exception.DNSException):
        return "timeout"
    return dns.rcode.to_text(answer.rcode()).lower()


async def _listener(api: str) -> tuple[str, int]:
    """Where the resolver answers queries. Raises NeedError: it isn't there."""
    try:
        host, _, port = str((await ask("GET", f"{api}/resolver", TIMEOUT)).json()["listen"]).rpartition(":")
        return host.strip("[]"), int(port)
    except OSError as error:
        raise NeedError(f"{error}; start `python -m chaos.resolver`") from None
    except (ValueError, KeyError, TypeError):
        raise NeedError(f"what answers at {api} is not flashcrowd's resolver; see what listens there") from None


def _counts(found: dict[str, Any]) -> dict[str, float | bool | None]:
    return {"seen": found["seen"], "hit": found["hit"]}
