"""`resource.cgroup`: a component's processes get less CPU or memory, or fewer threads, from a cgroup of ours.

    {kind: resource.cgroup, on: live, cpu: 20%, for: 60s}

`cpu` is of one core (`150%` is one and a half), `memory` what they may take from now on (`256MiB`; what they have stays
with their own group, and past the limit the kernel reclaims, then kills), `pids` how many threads and processes there
may be (`pids: 0`: no new one). They hold for the processes together, with all their threads and children, in a group
`flashcrowd-...` below the one that they are in, so that their own limits hold as well. Version 1 and 2 of cgroups.

Needs: a `process` on the component, and cgroups that may be written to (root, or a delegated group); a `probe`, to be
seen on a component that is idle.

Bites: when the kernel counts that a limit was met: throttled periods (cpu.stat), failed charges (memory.failcnt,
memory.events), failed forks (pids.events) or as many threads as may be.

Heals: what is in our group, what was forked meanwhile included, goes back to the group above, and ours is removed.

Holds: nothing but the end of the processes; `flashcrowd chaos recover` moves them back.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from chaos.fault import Injection, Probe
from chaos.kinds.asking import Question
from chaos.kinds.blast_radius import is_ours
from chaos.kinds.processes import Found, ProcessFault, ProcessId, find
from chaos.kinds.service import answered_in, question_of
from chaos.linux.cgroups import Group, group_of, mounts
from chaos.linux.descent import with_children
from chaos.linux.quota import Quota
from chaos.linux.quota_plan import groups, is_writable, plan
from flashcrowd.errors import GuardError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import Size, format_duration, format_size

PATIENCE = 4.0
"""Seconds in which a limit has to be met, and an answer has to come."""


def parse_cores(value: object) -> float:
    """CPUs in `20%` (of one) or `150%`. Raises ValueError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", str(value).strip())
    if match is None:
        raise ValueError(f"'{value}' is no share of a core; write 20%, or 150% for one and a half")
    return float(match[1]) / 100


Cores = Annotated[float, BeforeValidator(parse_cores), PlainSerializer(lambda cores: f"{100 * cores:.10g}%")]
"""A pydantic field of CPUs, written `20%`."""


class CgroupInjection(Injection):
    """Groups of ours, one in each group that the processes are in.

    processes: those that were chosen. others: the component's other ones, which aren't touched though they may be
    children of these. before_ms: the probe's median before it. patience: seconds in which a limit has to be met.
    """

    quotas: list[Quota]
    processes: list[ProcessId]
    others: list[int]
    question: Question | None
    before_ms: float | None
    patience: float

    async def inject(self) -> None:
        for quota in self.quotas:
            quota.make(self._members)

    async def bites(self) -> Probe:
        ends = time.monotonic() + self.patience
        while True:
            now_ms = await answered_in(self.question, self.patience)
            try:
                seen = [one for quota in self.quotas for one in quota.looks()]
            except OSError:
                return Probe(False, "its group is gone")
            if (met := any(is_met for is_met, _ in seen)) or time.monotonic() > ends:
                return self._probe(met, [said for _, said in seen], now_ms)
            await asyncio.sleep(0.1)

    async def heal(self) -> None:
        for quota in reversed(self.quotas):
            await quota.remove()

    async def healed(self) -> Probe:
        if left := [str(quota.folder) for quota in self.quotas if quota.folder.exists()]:
            return Probe(False, f"{', '.join(left)} is still there")
        return Probe(True, "its group is removed, and what was in it is back where it was")

    def by_hand(self) -> str:
        return "; ".join(quota.by_hand() for quota in reversed(self.quotas))

    def _members(self) -> Iterable[int]:
        return with_children([one.pid for one in self.processes if one.alive], self.others)

    def _probe(self, met: bool, said: list[str], now_ms: float | None) -> Probe:
        if self.question is None:
            return Probe(met, "; ".join(said))
        now, before = (f"{one:.0f} ms" if one is not None else "no answer" for one in (now_ms, self.before_ms))
        return Probe(
            met, "; ".join([*said, f"p50 {now}, {before} before"]), {"p50_ms": now_ms, "before_ms": self.before_ms}
        )


class ResourceCgroup(ProcessFault):
    """Limits: `cpu` in CPUs, `memory` in bytes, `pids` in threads and processes."""

    kind: Literal["resource.cgroup"] = "resource.cgroup"
    cpu: Annotated[Cores | None, Field(ge=0.01)] = None
    memory: Annotated[Size | None, Field(ge=2**20)] = None
    pids: Annotated[int | None, Field(ge=0)] = None

    injection: ClassVar[type[Injection]] = CgroupInjection

    @model_validator(mode="after")
    def _something(self) -> ResourceCgroup:
        if not self._limits:
            raise ValueError("wants cpu, memory or pids")
        return self

    @classmethod
    def capability(cls) -> str | None:
        if not mounts():
            return "no cgroups are mounted here; mount them at /sys/fs/cgroup"
        found = [group_of("self", controller) for controller in ("cpu", "memory", "pids")]
        if not any(group is not None and is_writable(group) for group in found):
            return (
                "the cgroups here can't be written to; run flashcrowd as root, or have a group delegated to this user"
            )
        return None

    def describe(self) -> str:
        cpu = [f"cpu {100 * self.cpu:g} % of a core"] if self.cpu is not None else []
        memory = [f"memory {format_size(self.memory)}"] if self.memory is not None else []
        pids = [f"pids {self.pids}"] if self.pids is not None else []
        return f"{self.kind} on {self.on}, {', '.join([*cpu, *memory, *pids])} for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> CgroupInjection:
        assert component.process is not None
        place = f"components.{self.on}.process"
        chosen = self.processes(component)
        others = [one.id.pid for one in find(component.process, place) if one not in chosen]
        question = await question_of(component, self.on, guard)
        return CgroupInjection(
            quotas=self._plan(f"flashcrowd-{identity}", chosen, others, place),
            processes=[one.id for one in chosen],
            others=others,
            question=question,
            before_ms=await answered_in(question, PATIENCE),
            patience=min(PATIENCE, self.duration / 2),
        )

    @property
    def _limits(self) -> dict[str, float]:
        limits = {"cpu": self.cpu, "memory": self.memory, "pids": self.pids}
        return {controller: limit for controller, limit in limits.items() if limit is not None}

    def _plan(self, name: str, chosen: list[Found], others: list[int], place: str) -> list[Quota]:
        """A group of ours in each that they are in. Raises NeedError or GuardError when that can't be."""
        pids = with_children([one.id.pid for one in chosen], others)
        _refuse_ours(pids, place)
        wanted: dict[Group, dict[str, float]] = {}
        for controller, limit in self._limits.items():
            for group in groups(pids, controller, place):
                wanted.setdefault(group, {})[controller] = limit
        try:
            return [plan(name, group, limits, pids) for group, limits in wanted.items()]
        except ValueError as error:
            raise NeedError(f"{place}: {error}") from None


def _refuse_ours(pids: list[int], place: str) -> None:
    """The rule not-ours holds for what a component's processes have started, too."""
    for pid in pids:
        if is_ours(pid):
            raise GuardError(
                f"{place}: process {pid}, its child, may not be touched: not-ours, it is one of flashcrowd's own"
            )
