"""`network.rate`: what a component sends leaves an interface of its network namespace at a given rate at most.

    {kind: network.rate, on: inventory, rate: 1Mbit, for: 60s}

Needs: what `network.drop` needs, and tc. `network.interface` says which interface (eth0, unless told otherwise); one
that has a queueing discipline of somebody else's is refused. With `ports`, only what goes from them is slowed down.

Bites: when packets have had to wait in the queue, or were dropped from it, within 5 s; what the component's `probe`, if
it was answered before, sees is told.

Heals: the nft table that sends packets to the queue is removed, then the queue, both of which carry the fault's own
name; the kernel puts back its default.

Holds: the kernel, as the rule that sends packets to the queue has a set whose elements have a timeout of the fault's
time and 1 s; table and queue that are left, and do nothing, are removed by `flashcrowd chaos recover`.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.fault import Injection
from chaos.kinds.packet_fault import PacketFault, PacketInjection
from chaos.linux import programs, shaping
from chaos.linux.namespaces import GoneError, Namespace
from chaos.linux.packets import Counts, Rule, ruleset
from flashcrowd.errors import GuardError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import BitRate, format_bit_rate, format_duration


class RateInjection(PacketInjection):
    """A table that sends packets to a queue. queue: what makes it. handle: the queue's. default: what was there."""

    interface: str
    handle: str
    queue: str
    default: str

    def seen_as(self, counts: Counts) -> str:
        return f"{counts.seen} packets queued, held back {counts.hit} times"

    async def inject(self) -> None:
        await self.namespace.run("tc", "-batch", "-", given=self.queue)
        await super().inject()

    async def counts(self) -> Counts:
        seen = (await super().counts()).seen
        listing = await self.namespace.run("tc", "-s", "-j", "qdisc", "show", "dev", self.interface)
        return Counts(seen, shaping.held_back(listing, self.handle))

    async def heal(self) -> None:
        await super().heal()
        with contextlib.suppress(GoneError):
            if await self._is_queued():
                await self.namespace.run("tc", *self._removal)

    async def left(self) -> str | None:
        if await self._is_queued():
            return f"queue {self.handle} of {self.interface}"
        return await super().left()

    def by_hand(self) -> str:
        return f"{super().by_hand()}; {self.namespace.by_hand(['tc', *self._removal])}"

    @property
    def _removal(self) -> list[str]:
        return ["qdisc", "del", "dev", self.interface, "root", "handle", self.handle]

    async def _is_queued(self) -> bool:
        roots = shaping.roots(await self.namespace.run("tc", "-j", "qdisc", "show"))
        return any((one.interface, one.handle) == (self.interface, self.handle) for one in roots)


class NetworkRate(PacketFault):
    """`rate` (bits per second) of what leaves."""

    kind: Literal["network.rate"] = "network.rate"
    rate: Annotated[BitRate, Field(ge=8_000, le=100e9)]

    injection: ClassVar[type[Injection]] = RateInjection
    programs: ClassVar[tuple[str, ...]] = (*PacketFault.programs, "tc", "ip")

    @classmethod
    def trial(cls, words: list[str]) -> str | None:
        batch = shaping.shape("lo", "1:", 1e6, 65_536)
        if (reason := programs.trial([*words, programs.found("tc"), "-batch", "-"], batch)) is not None:
            return f"this kernel has no htb queues ({reason}); load sch_htb"
        return super().trial(words)

    def describe(self) -> str:
        return f"{self.kind} on {self.on}, {format_bit_rate(self.rate)} for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> RateInjection:
        namespace, network = await self.found(component)
        probe, before = await self.probed(component, guard)
        root = await self._root(namespace, network.interface)
        mtu = shaping.mtu(await namespace.run("ip", "-j", "link", "show", "dev", network.interface))
        handle, table = shaping.handle(identity), f"flashcrowd_{identity}"
        rule = Rule("postrouting", f"meta priority set {handle}1", network.ports)
        return RateInjection(
            namespace=namespace,
            table=table,
            ruleset=ruleset(table, self.duration, [rule]),
            probe=probe,
            before_ms=before,
            interface=network.interface,
            handle=handle,
            queue=shaping.shape(network.interface, handle, self.rate, mtu),
            default=root.kind,
        )

    async def _root(self, namespace: Namespace, interface: str) -> shaping.Queue:
        """What the interface has by itself. Raises NeedError: there is no such; GuardError: it has somebody else's."""
        place = f"components.{self.on}.network.interface"
        roots = {one.interface: one for one in shaping.roots(await namespace.run("tc", "-j", "qdisc", "show"))}
        if (root := roots.get(interface)) is None:
            there = ", ".join(sorted(roots)) or "none that is up"
            raise NeedError(f"{place}: {namespace} has no interface {interface}; it has {there}")
        if root.handle != shaping.DEFAULT:
            raise GuardError(
                f"{place}: {interface} may not be touched: only-default-queues, it has {root.kind} {root.handle} of "
                "somebody else's; remove that, or name another interface"
            )
        return root
