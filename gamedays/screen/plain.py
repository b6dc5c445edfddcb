"""Plain: a line for each event and one of figures every ten seconds, where there is no terminal to draw on."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from flashcrowd.errors import FlashcrowdError
from flashcrowd.rundir import Event
from flashcrowd.units import clock
from gamedays.progress import sentence
from gamedays.screen.figures import Figures, asked
from monitors.figures import exact_percent, held_percent
from monitors.prometheus import Prometheus
from monitors.slo import Slo

STATUS_EVERY = 10.0
AGAIN = "still healing and saving; it takes a few seconds"


class PlainScreen:
    """Lines on standard error; one that nobody can read any more is no error."""

    def __init__(self, slos: Sequence[Slo]) -> None:
        self._slos, self._figures, self._start = slos, Figures(), time.time()

    def begins(self, folder: Path) -> None:
        """Nothing to do: lines need no preparation."""

    def event(self, event: Event) -> None:
        if (event.source, event.kind) == ("conductor", "started"):
            self._start = event.time
        if (told := sentence(event)) is not None:
            self._print(event.time, *told)

    async def watch(self, prometheus: Prometheus) -> None:
        while True:
            await asyncio.sleep(STATUS_EVERY)
            with suppress(FlashcrowdError):
                self._figures = await asked(self._figures, self._slos, prometheus)
                self._print(time.time(), "", status(self._figures, self._slos))

    def signalled(self, count: int) -> None:
        """A signal that ends the run; the events tell what becomes of the first one."""
        if count > 1:
            self._print(time.time(), "stopping", AGAIN)

    def saved(self, report: Path, when: str) -> None:
        self._print(time.time(), "saved", f"what there is: {report} ({when})")

    def close(self) -> None:
        """Nothing to give back."""

    def _print(self, at: float, label: str, text: str) -> None:
        with suppress(OSError):
            print(f"  {clock(at - self._start)}  {label:<10} {text}", file=sys.stderr, flush=True)  # noqa: T201


def status(figures: Figures, slos: Sequence[Slo]) -> str:
    """The figures on one line: those objectives by name that aren't held."""
    now = [f"{values[-1]:,.0f} {unit}" for values, unit in _rates(figures) if values]
    known = {slo.name: good for slo in slos if (good := figures.latest(slo.name)) is not None}
    below = [slo for slo in slos if slo.name in known and known[slo.name] < slo.objective / 100]
    if len(known) < len(slos):
        now.append(f"{len(slos) - len(known)} of {len(slos)} objectives without data")
    if len(known) > len(below):
        now.append("all held" if len(known) == len(slos) and not below else f"{len(known) - len(below)} held")
    now += [f"{slo.name} {_held(slo, known[slo.name])}" for slo in below]
    return " · ".join(now)


def _held(slo: Slo, good: float) -> str:
    return f"{held_percent(1 - good, slo.budget)} of {exact_percent(slo.objective / 100)}"


def _rates(figures: Figures) -> list[tuple[tuple[float, ...], str]]:
    return [(figures.viewers, "viewers"), (figures.orders, "orders/s"), (figures.comments, "comments/s")]
