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
import contextlib
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from chaos.asking import Question
from chaos.descent import with_children
from chaos.fault import Injection, Probe
from chaos.holding import unavailable
from chaos.processes import Found, ProcessFault, ProcessId
from chaos.service import answered_in, question_of
from flashcrowd.documents import Model
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component
from flashcrowd.units import format_duration

PATIENCE = 4.0
"""Seconds in which it has to bite: the last descriptors are for those who come next."""

ANSWER = 1.0
"""Seconds that an answer may take before it counts as none."""


class Limited(Model):
    """A process and its soft limit. former: what it was; lowered: what we make of it. The hard one stays as it is."""

    process: ProcessId
    former: int
    lowered: int

    @property
    def now(self) -> int:
        """The soft limit that the kernel shows. Raises OSError when the process is gone."""
        for line in Path(f"/proc/{self.process.pid}/limits").read_text(encoding="ascii").splitlines():
            if line.startswith("Max open files"):
                soft = line.split()[3]
                return resource.RLIM_INFINITY if soft == "unlimited" else int(soft)
        raise ProcessLookupError(f"process {self.process.pid} is gone")

    @property
    def spare(self) -> int:
        """How many it can still open. Raises OSError when the process is gone."""
        return self.lowered - sum(number < self.lowered for number in _open(self.process.pid))

    def lower(self) -> None:
        if self.process.alive:
            _set(self.process.pid, self.former, self.lowered)

    def restore(self) -> None:
        for pid in self.with_what_it_started():
            with contextlib.suppress(ProcessLookupError):
                _set(pid, self.lowered, self.former)

    @property
    def is_lowered(self) -> bool:
        """Whether the limit is ours, here or on what it started."""
        return any(_soft(pid) == self.lowered for pid in self.with_what_it_started())

    def with_what_it_started(self) -> Iterator[int]:
        """Its number and those of its descendants; nothing if it is gone."""
        if self.process.alive:
            yield from with_children([self.process.pid])


class FilesInjection(Injection):
    """Lowered limits."""

    limited: list[Limited]
    question: Question | None
    answered_before: bool

    async def inject(self) -> None:
        for one in self.limited:
            one.lower()

    async def bites(self) -> Probe:
        ends = time.monotonic() + PATIENCE
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
        return "; ".join(f"prlimit --pid {one.process.pid} --nofile={_word(one.former)}:" for one in self.limited)

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
        return FilesInjection(limited=limited, question=question, answered_before=answer is not None)

    def _limited(self, found: Found) -> Limited:
        place, pid = f"components.{self.on}.process", found.id.pid
        try:
            former, _ = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            lowered = _free(_open(pid), self.spare)
        except PermissionError:
            raise NeedError(
                f"{place}: process {pid} is another user's; run flashcrowd as that user or as root"
            ) from None
        except ProcessLookupError:
            raise NeedError(f"{place}: process {pid} ended just now; start it") from None
        if former != resource.RLIM_INFINITY and lowered >= former:
            raise NeedError(f"{place}: process {pid} can't open {self.spare} more of its {former} anyway; spare less")
        return Limited(process=found.id, former=former, lowered=lowered)


def _set(pid: int, old: int, new: int) -> None:
    """Change the soft limit where it is the old one. Raises OSError when it may not be changed."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    if soft == old:
        highest = hard if new == resource.RLIM_INFINITY else new
        resource.prlimit(
            pid, resource.RLIMIT_NOFILE, (new if hard == resource.RLIM_INFINITY else min(highest, hard), hard)
        )


def _word(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)


def _soft(pid: int) -> int | None:
    try:
        return resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]
    except ProcessLookupError:
        return None


def _open(pid: int) -> set[int]:
    """The numbers of a process's open descriptors. Raises OSError when they can't be seen."""
    try:
        return {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    except FileNotFoundError:
        raise ProcessLookupError(f"process {pid} is gone") from None


def _free(numbers: set[int], spare: int) -> int:
    """The lowest limit that leaves `spare` free numbers below it: the kernel always gives the lowest free one."""
    limit = 0
    while limit in numbers or spare > 0:
        spare -= limit not in numbers
        limit += 1
    return limit
