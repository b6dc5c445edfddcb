"""Answering: what a query is answered with: a fault's, a zone's of our own, or what the upstream resolver says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Mode = Literal["nxdomain", "servfail", "refused", "timeout"]

RCODES: Mapping[str, dns.rcode.Rcode] = {
    "nxdomain": dns.rcode.NXDOMAIN,
    "servfail": dns.rcode.SERVFAIL,
    "refused": dns.rcode.REFUSED,
}
"""`timeout` isn't among them: it is no answer at all."""

UPSTREAM_TIMEOUT = 5.0
TTL = 1
"""Seconds for which an answer from our own zones may be kept: a fault must not hide behind a cache."""


@dataclass
class NameFault:
    """Queries for names that fit one of the globs fail, a `share` (0 to 1) of them.

    names: in lower case, without the root's dot. seen, hit: how many queries came and failed.
    """

    name: str
    names: Sequence[str]
    mode: Mode
    share: float
    seen: int = 0
    hit: int = 0

    def strikes(self, name: str) -> bool:
        """Whether a query for this name fails; to be asked once for each."""
        if not any(fnmatchcase(name, pattern) for pattern in self.names):
            return False
        self.seen += 1
        struck = random.random() < self.share
        self.hit += struck
        return struck

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "names": list(self.names),
            "mode": self.mode,
            "share": self.share,
            "seen": self.seen,
            "hit": self.hit,
        }


@dataclass
class Resolver:
    """zones: addresses by name. upstream: host and port of the resolver that knows all else; None: nobody does."""

    zones: Mapping[str, Sequence[str]]
    upstream: tuple[str, int] | None = None
    faults: dict[str, NameFault] = field(default_factory=dict)
    _ends: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def add(self, fault: NameFault, ttl: float | None) -> None:
        """Put a fault in place, for so many seconds; one of the same name is replaced."""
        self.remove(fault.name)
        self.faults[fault.name] = fault
        if ttl is not None:
            self._ends[fault.name] = asyncio.get_running_loop().call_later(ttl, self.remove, fault.name)

    def remove(self, name: str) -> bool:
        """Take a fault away; whether it was there."""
        if (end := self._ends.pop(name, None)) is not None:
            end.cancel()
        return self.faults.pop(name, None) is not None

    async def answer(self, wire: bytes) -> bytes | None:
        """The answer to a query, both as they are on the wire; None is silence."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return None
        if len(query.question) != 1:
            return _refusal(query, dns.rcode.FORMERR)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        for fault in list(self.faults.values()):
            if fault.strikes(name):
                return None if fault.mode == "timeout" else _refusal(query, RCODES[fault.mode])
        if name in self.zones:
            return self._own(query, name)
        return await self._ask_upstream(query)

    def _own(self, query: dns.message.Message, name: str) -> bytes:
        answer = dns.message.make_response(query, recursion_available=True)
        wanted = query.question[0].rdtype
        for kind, separator in ((dns.rdatatype.A, "."), (dns.rdatatype.AAAA, ":")):
            found = [address for address in self.zones[name] if separator in address]
            if wanted == kind and found:
                answer.answer.append(dns.rrset.from_text(query.question[0].name, TTL, "IN", kind, *found))
        return answer.to_wire()

    async def _ask_upstream(self, query: dns.message.Message) -> bytes:
        if self.upstream is None:
            return _refusal(query, dns.rcode.NXDOMAIN)
        host, port = self.upstream
        try:
            answer, _ = await dns.asyncquery.udp_with_fallback(query, host, UPSTREAM_TIMEOUT, port)
        except (OSError, dns.exception.DNSException):
            return _refusal(query, dns.rcode.SERVFAIL)
        return answer.to_wire()


def _refusal(query: dns.message.Message, rcode: dns.rcode.Rcode) -> bytes:
    answer = dns.message.make_response(query, recursion_available=True)
    answer.set_rcode(rcode)
    return answer.to_wire()
