"""`network.drop`: packets to and from a component are dropped in its network namespace, by the kernel's nftables.

    {kind: network.drop, on: inventory, direction: in, from: [10.0.0.0/8], for: 60s}

Needs: `network` on the component, with a `namespace` or beside a `process`; nft; root, or a process of one's own in a
user namespace. With `ports`, what comes to them and goes from them is dropped, else all that isn't on loopback. `from`
and `to` narrow it down to networks at the other end. Who sends over UDP from inside is told of it (EPERM).

Bites: when the kernel has counted packets that it dropped, within 5 s; the component's `probe`, if it was answered
before, tells what it sees.

Heals: the nft table, which carries the fault's own name, is removed.

Holds: the kernel, as the rule's set has elements with a timeout of the fault's time and 1 s; the table that is left,
and does nothing, is removed by `flashcrowd chaos recover`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from chaos.fault import Injection
from chaos.kinds.directed_fault import DirectedFault
from chaos.kinds.packet_fault import PacketInjection
from chaos.linux.packets import Counts, ruleset
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import format_duration


class DropInjection(PacketInjection):
    """A table that drops packets."""

    def seen_as(self, counts: Counts) -> str:
        return f"{counts.hit} packets dropped"


class NetworkDrop(DirectedFault):
    """All packets of a direction, or those of some networks."""

    kind: Literal["network.drop"] = "network.drop"

    injection: ClassVar[type[Injection]] = DropInjection

    def describe(self) -> str:
        return f"{self.kind} on {self.on}, packets {self.whose}, for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> DropInjection:
        namespace, network = await self.found(component)
        probe, before = await self.probed(component, guard)
        return DropInjection(
            namespace=namespace,
            table=(table := f"flashcrowd_{identity}"),
            ruleset=ruleset(table, self.duration, self.rules(network)),
            probe=probe,
            before_ms=before,
        )
