"""`resource.cpu`: burners take processor time on the CPUs that a component's processes may use.

    {kind: resource.cpu, on: live, workers: 2, load: 100%, for: 60s}

`workers` is one for each of those CPUs unless it is given; each uses `load` of one CPU and never more, and is as nice
as the component. The kernel shares a CPU evenly, so that one burner leaves a busy component half of it: more workers
leave it less.

Needs: a `process` on the component; a `probe` as well, to be seen on a component that is idle.

Bites: when the component's threads wait for a CPU for a larger part of the time that they want one (run delay in
/proc/PID/task/TID/schedstat), or when its probe has become slower while the burners run.

Heals: the burners, which carry the fault's own name in their command line, are killed.

Holds: the kernel kills them when the injector dies, and ends them one second after the fault's time.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.fault import Injection, Probe
from chaos.kinds.asking import Question
from chaos.kinds.holding import HeldInjection, end_of, holders, unavailable
from chaos.kinds.processes import ProcessFault
from chaos.kinds.service import answered_in, question_of
from chaos.linux.waiting import Stopwatch, allowed_cpus
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import Ratio, format_duration

SPAN = 0.3
"""Seconds that one look takes."""

PATIENCE = 4.0
"""Seconds in which it has to bite, and an answer has to come."""

MORE = 0.05
"""By how much the waiting share must have risen: well above what an unchanged machine shows from look to look."""

SLOWER = 1.25
"""By what factor the probe must have become slower, and that by at least SLOWER_MS."""

SLOWER_MS = 2.0


@dataclass(frozen=True)
class Look:
    """How the component does: its waiting share (0 to 1), its probe's median, and the CPUs that the burners use."""

    waiting: float | None
    p50_ms: float | None
    burnt: float

    def __str__(self) -> str:
        waiting = "idle" if self.waiting is None else f"waits {100 * self.waiting:.0f} % of the time it wants a CPU"
        return waiting if self.p50_ms is None else f"{waiting}, p50 {self.p50_ms:.0f} ms"


class CpuInjection(HeldInjection):
    """Burners on some CPUs. pids: the processes that are to suffer; the look at them before it is kept beside."""

    pids: list[int]
    cpus: list[int]
    workers: int
    load: float
    nice: int
    question: Question | None
    waiting_before: float | None
    before_ms: float | None

    def words(self) -> list[str]:
        cpus = ",".join(map(str, self.cpus))
        return ["cpu", f"--workers={self.workers}", f"--load={self.load}", f"--cpus={cpus}", f"--nice={self.nice}"]

    async def bites(self) -> Probe:
        ends = self.looks_until(PATIENCE)
        while True:
            now = await look(self.pids, self.question, self.identity)
            if not holders(self.identity):
                return Probe(False, "the burners are gone")
            if self._is_worse(now) or time.monotonic() > ends:
                return self._probe(now)

    def _probe(self, now: Look) -> Probe:
        before = Look(self.waiting_before, self.before_ms, 0.0)
        message = f"{now} ({before} before); burners use {now.burnt:.2f} CPUs"
        figures = {"waiting": now.waiting, "waiting_before": self.waiting_before, "burnt_cpus": now.burnt}
        asked = {"p50_ms": now.p50_ms, "before_ms": self.before_ms} if self.question else {}
        if now.waiting is None and self.question is None:
            message += "; give it a probe in the target file, to see what an idle component loses"
        return Probe(self._is_worse(now), message, {**figures, **asked})

    def _is_worse(self, now: Look) -> bool:
        waits = now.waiting is not None and now.waiting >= (self.waiting_before or 0.0) + MORE
        if now.p50_ms is None or self.before_ms is None:
            return waits
        return waits or now.p50_ms >= max(self.before_ms * SLOWER, self.before_ms + SLOWER_MS)


class ResourceCpu(ProcessFault):
    """`workers` burners, each of which uses `load` of one CPU."""

    kind: Literal["resource.cpu"] = "resource.cpu"
    workers: Annotated[int | None, Field(ge=1, le=1024)] = None
    load: Annotated[Ratio, Field(ge=0.01)] = 1.0

    injection: ClassVar[type[Injection]] = CpuInjection

    @classmethod
    def capability(cls) -> str | None:
        return unavailable()

    def describe(self) -> str:
        workers = "a burner for each CPU" if self.workers is None else f"{self.workers} burners"
        return f"{self.kind} on {self.on}, {workers} at {100 * self.load:g} % for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> CpuInjection:
        pids = [found.id.pid for found in self.processes(component)]
        question = await question_of(component, self.on, guard)
        before = await look(pids, question, identity)
        try:
            cpus, nice = sorted(allowed_cpus(pids)), min(os.getpriority(os.PRIO_PROCESS, pid) for pid in pids)
        except ProcessLookupError:
            raise NeedError(
                f"components.{self.on}.process: one of {', '.join(map(str, pids))} ended just now; start it"
            ) from None
        return CpuInjection(
            identity=identity,
            until=end_of(self.duration),
            pids=pids,
            cpus=cpus,
            workers=self.workers or len(cpus),
            load=self.load,
            nice=nice,
            question=question,
            waiting_before=before.waiting,
            before_ms=before.p50_ms,
        )


async def look(pids: list[int], question: Question | None, identity: str) -> Look:
    """How the processes do, for a short while in which they are asked, too."""
    start, burners = time.monotonic(), [one.pid for one in holders(identity)]
    component, burnt = Stopwatch(pids), Stopwatch(burners)
    p50 = await answered_in(question, PATIENCE)
    await asyncio.sleep(max(0.0, SPAN - (time.monotonic() - start)))
    share = component.read().share
    ran = burnt.read().ran / (time.monotonic() - start)
    return Look(None if share is None else round(share, 3), p50, round(ran, 2))
