"""Faults on the packets in a component's network namespace: all that such kinds have in common.

A kind of them says which rules it puts there and how its effect is counted; `packets.py` has the rules.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from abc import abstractmethod
from typing import ClassVar

from chaos.fault import Fault, Injection, Probe
from chaos.kinds.probing import milliseconds
from chaos.linux import packets, programs
from chaos.linux.namespaces import GoneError, Namespace, namespace_of, obstacle
from chaos.linux.packets import Counts, Rule
from flashcrowd.components import NetworkAddress
from flashcrowd.dial import pinned
from flashcrowd.errors import FlashcrowdError
from flashcrowd.guard import Guard
from flashcrowd.target import Component

TRAFFIC = 5.0
"""Seconds in which a packet has to come by for a fault to be seen to bite."""

PATIENCE = 2.0
"""Seconds for an answer of the component's probe."""


class PacketInjection(Injection):
    """A table of ours in a namespace.

    ruleset: what makes the table. probe: the component's, with a checked address; None if it has none. before_ms: how
    long its answer took before the fault; None where there was none.
    """

    namespace: Namespace
    table: str
    ruleset: str
    probe: str | None
    before_ms: float | None

    @abstractmethod
    def seen_as(self, counts: Counts) -> str:
        """The effect in a clause, with its figures."""

    async def inject(self) -> None:
        await self.namespace.run("nft", "-f", "-", given=self.ruleset)

    async def counts(self) -> Counts:
        """The packets that the fault has had to do with, as the kernel counts them."""
        return packets.counts(await self.namespace.run("nft", "-j", "list", "counters", "table", "inet", self.table))

    async def bites(self) -> Probe:
        asking = asyncio.create_task(self._now())
        try:
            counts = await self._wait()
            now = await asking
        except FlashcrowdError as error:
            return Probe(False, str(error))
        finally:
            asking.cancel()
        return self._judged(counts, now)

    async def heal(self) -> None:
        with contextlib.suppress(GoneError):
            await self.namespace.run("nft", packets.removal(self.table))

    async def healed(self) -> Probe:
        try:
            if (left := await self.left()) is not None:
                return Probe(False, f"{left} is still in {self.namespace}")
        except GoneError as gone:
            return Probe(True, f"{gone}, and the fault with it")
        if (now := await self._now()) is None:
            return Probe(True, "removed" if self.before_ms is None else f"removed, but {self.probe} isn't answered")
        return Probe(True, f"removed, answered in {now:.0f} ms again", {"probe_ms": now})

    async def left(self) -> str | None:
        """What of ours is still there. Raises GoneError when its namespace isn't."""
        found = packets.has_table(await self.namespace.run("nft", "-j", "list", "tables"), self.table)
        return f"table {self.table}" if found else None

    def by_hand(self) -> str:
        return self.namespace.by_hand(["nft", packets.removal(self.table)])

    async def _wait(self) -> Counts:
        """The counts as soon as the fault had something to do, or when nothing came."""
        counts = Counts(0, 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRAFFIC):
                while not (counts := await self.counts()).hit:
                    await asyncio.sleep(0.05)
        return counts

    async def _now(self) -> float | None:
        """How long an answer takes now; not asked where nobody answered before."""
        return await milliseconds(self.probe, PATIENCE) if self.before_ms is not None else None

    def _judged(self, counts: Counts, now: float | None) -> Probe:
        figures = {"seen": counts.seen, "hit": counts.hit, "before_ms": self.before_ms, "probe_ms": now}
        if not counts.seen:
            return Probe(False, f"0 packets came by in {TRAFFIC:g} s", figures)
        if not counts.hit:
            return Probe(False, f"{counts.seen} packets came by in {TRAFFIC:g} s, none of them touched", figures)
        return Probe(True, self.seen_as(counts) + self._probe_says(now), figures)

    def _probe_says(self, now: float | None) -> str:
        if self.before_ms is None:
            return ""
        before = f"{self.before_ms:.0f} ms before"
        return f"; its probe isn't answered ({before})" if now is None else f"; its probe takes {now:.0f} ms ({before})"


class PacketFault(Fault):
    """A fault in the network namespace of a component: of its process, or one that has a name."""

    programs: ClassVar[tuple[str, ...]] = ("nft", "nsenter", "unshare")

    @classmethod
    def capability(cls) -> str | None:
        if sys.platform != "linux":
            return "there are network namespaces on Linux alone"
        if (reason := programs.missing(*cls.programs)) is not None:
            return reason
        words = [programs.found("unshare"), "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        if programs.trial([*words, "true"]) is not None:
            return "no network namespace can be entered here; run as root, or allow unprivileged user namespaces"
        return cls.trial(words)

    @classmethod
    def trial(cls, words: list[str]) -> str | None:
        """Why this kernel can't do it, tried in a namespace of its own that `words` make."""
        rules = [Rule(hook, "drop", [1], chance=0.5) for hook in ("input", "output")]
        reason = programs.trial([*words, programs.found("nft"), "-f", "-"], packets.ruleset("trial", 1.0, rules))
        return reason and f"this kernel or its nft lacks what it needs ({reason}); load nf_tables, or use a newer one"

    def check(self, component: Component) -> str | None:
        return obstacle(self.on, component)

    async def found(self, component: Component) -> tuple[Namespace, NetworkAddress]:
        """Where the fault goes. Raises as `namespace_of`."""
        assert component.network is not None
        return await namespace_of(self.on, component), component.network

    async def probed(self, component: Component, guard: Guard) -> tuple[str | None, float | None]:
        """The component's probe with a checked address, and how long its answer takes: None where there is none.

        Raises:
            GuardError: its host isn't allowed.
        """
        if component.probe is None:
            return None, None
        probe = await pinned(guard, component.probe, f"components.{self.on}.probe")
        return probe, await milliseconds(probe, PATIENCE)
