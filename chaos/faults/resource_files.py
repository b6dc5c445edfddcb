"""`resource.files`: a component's processes run out of file descriptors.

    {kind: resource.files, on: live, spare: 5, for: 60s}

The soft limit of each process (RLIMIT_NOFILE) is lowered so that it can open `spare` more and no further one: what it
has open stays open, and accept(), open() and connect() fail with "too many open files", as when connections leak. A
descriptor that is closed makes room again where its number is below the limit.

Needs: a `process` on the component, of this user or with flashcrowd run as root; a `probe`, to be seen with `spare`.

Bites: when the limit is in /proc/PID/limits, and either as many are open as may be or the component's probe, which was
answered before, is answered no longer.

Heals: the former soft limit is put back, on the processes and on what they started meanwhile; one that has set a limit
of its own since is left alone.

Holds: nothing but the end of the process itself; `flashcrowd chaos recover` puts the limit back.
"""

from __future__ import annotations

import asyncio
import resource
import time
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.fault import Injection, Probe
from chaos.kinds.asking import Question
from chaos.kinds.holding import unavailable
from chaos.kinds.processes import Found, ProcessFault
from chaos.kinds.service import answered_in, question_of
from chaos.linux.descriptors import Limited, limit_for, open_numbers
from chaos.undolog import Record, UndoLog
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import format_duration

PATIENCE = 4.0
"""Seconds in which it has to bite: the last descriptors are for those who come next."""

ANSWER = 1.0
"""Seconds that an answer may take before it counts as none."""


class FilesInjection(Injection):
    """Lowered limits. patience: seconds in which they have to bite."""

    limited: list[Limited]
    patience: float
    question: Question | None
    answered_before: bool

    async def inject(self) -> None:
        for one in self.limited:
            one.lower()

    async def bites(self) -> Probe:
        ends = time.monotonic() + self.patience
        while True:
            try:
                probe = await self._look()
            except OSError:
                return Probe(False, "a process that was limited is gone")
            if probe.ok or time.monotonic() > ends:
                return probe
            await asyncio.sleep(0.1)

    async def heal(self) -> None:
        for one in self.limited:
            one.restore()

    async def healed(self) -> Probe:
        there = [one for one in self.limited if one.process.alive]
        still = [str(one.process.pid) for one in there if one.is_lowered]
        if still:
            return Probe(False, f"the limit of process {', '.join(still)} is still lowered")
        if not there:
            return Probe(True, "the processes that were limited are gone, and their limits with them")
        return Probe(True, f"{there[0].now} descriptors may be open again")

    def by_hand(self) -> str:
        return "; ".join(one.by_hand for one in self.limited)

    async def _look(self) -> Probe:
        seen = [one.now == one.lowered for one in self.limited]
        spare = [one.spare for one in self.limited]
        asked = self.question if self.answered_before else None
        answer = await answered_in(asked, ANSWER)
        unanswered = asked is not None and answer is None
        said = [f"{number} of {one.lowered} descriptors left" for number, one in zip(spare, self.limited, strict=True)]
        said += [f"{asked} is {'not ' if unanswered else ''}answered"] if asked is not None else []
        ok = all(seen) and (unanswered or not any(spare))
        figures = {"spare": float(sum(spare)), "answered": None if asked is None else not unanswered}
        return Probe(ok, "; ".join(said) if all(seen) else "the limit isn't in place", figures)


class ResourceFiles(ProcessFault):
    """`spare` descriptors that a process may still open."""

    kind: Literal["resource.files"] = "resource.files"
    spare: Annotated[int, Field(ge=0)] = 0

    injection: ClassVar[type[Injection]] = FilesInjection

    @classmethod
    def capability(cls) -> str | None:
        if not hasattr(resource, "prlimit"):
            return "it needs Linux's prlimit; inject it on a Linux machine"
        return unavailable()

    def describe(self) -> str:
        return f"{self.kind} on {self.on}, {self.spare} descriptors left for {format_duration(self.duration)}"

    async def prepare(self, identity: str, component: Component, guard: Guard) -> FilesInjection:
        limited = [self._limited(found) for found in self.processes(component)]  # before our own probe opens one
        question = await question_of(component, self.on, guard)
        answer = await answered_in(question, PATIENCE)
        return FilesInjection(
            limited=limited,
            patience=min(PATIENCE, self.duration / 2),
            question=question,
            answered_before=answer is not None,
        )

    def _limited(self, found: Found) -> Limited:
        place, pid = f"components.{self.on}.process", found.id.pid
        if pid in _already_limited():
            raise NeedError(f"{place}: another {self.kind} is on process {pid}; heal that one first")
        try:
            former, _ = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            lowered = limit_for(open_numbers(pid), self.spare)
        except PermissionError:
            raise NeedError(
                f"{place}: process {pid} is another user's; run flashcrowd as that user or as root"
            ) from None
        except ProcessLookupError:
            raise NeedError(f"{place}: process {pid} ended just now; start it") from None
        if former != resource.RLIM_INFINITY and lowered >= former:
            raise NeedError(f"{place}: process {pid} can't open {self.spare} more of its {former} anyway; spare less")
        return Limited(process=found.id, former=former, lowered=lowered)


def _already_limited() -> set[int]:
    """The processes of such faults that are in place: two on one process couldn't be undone in any order."""
    records = [one for one in UndoLog.default().all() if isinstance(one, Record) and one.kind == "resource.files"]
    return {one.process.pid for record in records for one in FilesInjection.model_validate(record.undo).limited}
