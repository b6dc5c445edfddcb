"""`clock.skew`: a component's clock is wrong, as libfaketime tells it.

    {kind: clock.skew, on: inventory, by: -90s, for: 60s}

Needs: `clock` on the component, the file that its FAKETIME_TIMESTAMP_FILE names, and a `probe` whose answers have a
Date header; a component with a `process` is looked at, whether libfaketime is loaded.

Bites: when the Date header is off our own clock by half of what was asked, within 12 s: libfaketime reads its file each
10 s, or always with FAKETIME_NO_CACHE=1.

Heals: the file gets back what it had, or is removed if it wasn't there.

Holds: nothing does; `flashcrowd chaos recover` puts the file back.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from chaos.clients.plain_http import ask
from chaos.fault import Fault, Injection, Probe
from flashcrowd.components import Component
from flashcrowd.dial import pinned
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.rundir import write_atomically
from flashcrowd.units import Offset, format_duration, format_offset

LEAST = 2.0
"""Seconds of skew that a Date header, which has whole ones, can show."""

CACHE = 12.0
"""Seconds in which libfaketime has surely read its file again."""

PATIENCE = 2.0
BACK = 3.0


def _seen(offset: float) -> float:
    if abs(offset) < LEAST:
        raise ValueError(f"{format_offset(offset)} can't be seen in a Date header; write {LEAST:g}s or more")
    return offset


class SkewInjection(Injection):
    """An offset (seconds) in a file, and what was there before; None when it wasn't there.

    probe: asked for its Date. before: seconds by which that was off our clock; None when it couldn't be asked.
    """

    file: Path
    former: str | None
    offset: float
    probe: str | None
    before: float | None

    @property
    def text(self) -> str:
        """What libfaketime reads: an offset in seconds (its README, "relative date offset")."""
        return f"{self.offset:+.3f}\n"

    async def inject(self) -> None:
        write_atomically(self.file, self.text)
        self.file.chmod(0o644)

    async def bites(self) -> Probe:
        if self.probe is None:
            return Probe(False, "can't be seen: the component has no probe in the target file")
        if self.before is None:
            return Probe(False, f"can't be seen: GET {self.probe} had no Date header before the fault either")
        until, off = time.monotonic() + CACHE, None
        while time.monotonic() < until:
            if (off := await skew(self.probe)) is not None and abs(off - self.before) >= abs(self.offset) / 2:
                return Probe(True, f"its clock is off by {off:+.0f} s", {"off": off})
            await asyncio.sleep(0.1)
        return Probe(False, f"its clock is off by {off:+.0f} s" if off is not None else "it isn't answered any more")

    async def heal(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if self._content() != self.text:
                return  # somebody has set another time since, or it was never injected
            if self.former is None:
                self.file.unlink()
            else:
                write_atomically(self.file, self.former)
                self.file.chmod(0o644)

    async def healed(self) -> Probe:
        if self._content() == self.text != self.former:
            return Probe(False, f"{self.file} still has {self.text.strip()}")
        if self.probe is None or self.before is None:
            return Probe(True, f"{self.file} is as it was", {"back": None})
        until, off = time.monotonic() + BACK, None
        while time.monotonic() < until:
            if (off := await skew(self.probe)) is not None and abs(off - self.before) < abs(self.offset) / 2:
                return Probe(True, f"its clock is off by {off:+.0f} s again", {"back": True})
            await asyncio.sleep(0.1)
        return Probe(True, f"{self.file} is as it was, which libfaketime reads within 10 s", {"back": False})

    def by_hand(self) -> str:
        file = shlex.quote(str(self.file))
        return f"rm {file}" if self.former is None else f"printf %s {shlex.quote(self.former)} > {file}"

    def _content(self) -> str | None:
        try:
            return self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


class ClockSkew(Fault):
    """A clock that is ahead `by` so many seconds, or behind where that is negative."""

    kind: Literal["clock.skew"] = "clock.skew"
    by: Annotated[Offset, AfterValidator(_seen)]

    injection: ClassVar[type[Injection]] = SkewInjection

    def describe(self) -> str:
        return f"{self.kind} on {self.on} by {format_offset(self.by)} for {format_duration(self.duration)}"

    def check(self, component: Component) -> str | None:
        if component.clock is None:
            return f"{self.on} has no clock; give it one (faketime) in the target file"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> SkewInjection:
        assert component.clock is not None
        file, place = component.clock.faketime, f"components.{self.on}"
        if not file.parent.is_dir():
            raise NeedError(f"{place}.clock.faketime: there is no folder {file.parent}; mend the path")
        _require_faketime(component, place)
        probe = await pinned(guard, component.probe, f"{place}.probe") if component.probe is not None else None
        try:
            former = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            former = None
        except OSError as error:
            raise NeedError(f"{place}.clock.faketime: {file} can't be read: {error.strerror}") from None
        before = await skew(probe) if probe is not None else None
        return SkewInjection(file=file, former=former, offset=self.by, probe=probe, before=before)


async def skew(url: str) -> float | None:
    """Seconds by which the Date header of an answer is off our own clock; None when there is none."""
    try:
        answer = await ask("GET", url, PATIENCE)
        return parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5 - time.time()
    except (OSError, KeyError, ValueError):
        return None


def _require_faketime(component: Component, place: str) -> None:
    """Raise NeedError when the component's process is seen to run without libfaketime."""
    if component.process is None:
        return
    from chaos.kinds.processes import find

    for one in find(component.process, f"{place}.process"):
        with contextlib.suppress(OSError):
            if "faketime" not in Path(f"/proc/{one.id.pid}/maps").read_text(encoding="utf-8", errors="replace"):
                raise NeedError(
                    f"{place}.clock: process {one.id.pid} runs without libfaketime; start it with LD_PRELOAD and "
                    "FAKETIME_TIMESTAMP_FILE (docs/targets.md)"
                )
