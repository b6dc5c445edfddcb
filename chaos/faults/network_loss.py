"""`network.loss`: a share of the packets to and from a component is lost at random, in its network namespace.

    {kind: network.loss, on: inventory, share: 30%, for: 60s}

Needs: what `network.drop` needs; `direction`, `from` and `to` mean the same.

Bites: when the kernel has counted packets that it dropped, within 5 s; the share that it came to is told, and what the
component's `probe`, if it was answered before, sees.

Heals: the nft table, which carries the fault's own name, is removed.

Holds: the kernel, as the rule's set has elements with a timeout of the fault's time and 1 s; the table that is left,
and does nothing, is removed by `flashcrowd chaos recover`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.fault import Injection
from chaos.kinds.directed_fault import DirectedFault
from chaos.kinds.packet_fault import PacketInjection
from chaos.linux.packets import Counts, ruleset
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import Ratio, format_duration


class LossInjection(PacketInjection):
    """A table that drops some of the packets."""

    def seen_as(self, counts: Counts) -> str:
        return f"{counts.hit} of {counts.seen} packets lost"


class NetworkLoss(DirectedFault):
    """`share` of the packets, each drawn by itself."""

    kind: Literal["network.loss"] = "network.loss"
    share: Annotated[Ratio, Field(ge=0.0001, lt=1)]

    injection: ClassVar[type[Injection]] = LossInjection

    def describe(self) -> str:
        share = f"{self.share * 100:g} % of the packets {self.whose}"
        return f"{self.kind} on {self.on}, {share}, for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> LossInjection:
        namespace, network = await self.found(component)
        probe, before = await self.probed(component, guard)
        return LossInjection(
            namespace=namespace,
            table=(table := f"flashcrowd_{identity}"),
            ruleset=ruleset(table, self.duration, self.rules(network, self.share)),
            probe=probe,
            before_ms=before,
        )
