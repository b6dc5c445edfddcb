"""Faults on packets that are told apart by which way they go and who is at the other end."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from chaos.kinds.packet_fault import PacketFault
from chaos.linux.packets import Hook, Rule
from flashcrowd.components import NetworkAddress

Way = Literal["in", "out"]
Direction = Literal["in", "out", "both"]

HOOKS: dict[Way, Hook] = {"in": "input", "out": "output"}


def _network(value: object) -> object:
    try:
        return ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        raise ValueError(f"'{value}' is neither an address nor a network; write 10.0.0.5 or 10.0.0.0/8") from None


Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]
"""A pydantic field of an address or a network."""


class DirectedFault(PacketFault):
    """`direction` is as the component sees it. from_, to: networks at the other end; given alone, they say it too."""

    direction: Direction | None = None
    from_: Annotated[list[Network], Field(alias="from")] = []
    to: list[Network] = []

    @model_validator(mode="after")
    def _ends_fit(self) -> DirectedFault:
        for name, networks, other in (("from", self.from_, "out"), ("to", self.to, "in")):
            if networks and self.direction == other:
                raise ValueError(f"'{name}' doesn't go with direction {other}; leave out one of them")
        if self.direction == "both" and bool(self.from_) != bool(self.to):
            raise ValueError("direction both goes with 'from' and 'to', or with neither")
        return self

    @property
    def ways(self) -> tuple[Way, ...]:
        """The directions that are said, or meant."""
        if self.direction is None and bool(self.from_) != bool(self.to):
            return ("in",) if self.from_ else ("out",)
        return ("in", "out") if self.direction is None or self.direction == "both" else (self.direction,)

    @property
    def whose(self) -> str:
        """Which packets, for people: `in from 10.0.0.0/8`."""
        told = {"in": ("in", "from", self.from_), "out": ("out", "to", self.to)}
        parts = [
            f"{way} {word} {', '.join(map(str, networks))}" if networks else way
            for way, word, networks in map(told.__getitem__, self.ways)
        ]
        return " and ".join(parts)

    def rules(self, network: NetworkAddress, chance: float = 1.0) -> list[Rule]:
        """What drops the packets, or a share of them."""
        peers = {"in": self.from_, "out": self.to}
        return [Rule(HOOKS[way], "drop", network.ports, peers[way], chance) for way in self.ways]
