"""Display: a run while it goes on. On a terminal one screen that stays in place; elsewhere plain lines."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flashcrowd.errors import FlashcrowdError
from flashcrowd.rundir import Event
from flashcrowd.units import clock
from gamedays.checks import Prepared
from gamedays.figures import Figures, sparkline
from gamedays.gameday import Screen
from gamedays.plan import Control, Plan
from gamedays.progress import sentence
from monitors.figures import exact_percent, held_percent
from monitors.prometheus import Prometheus
from monitors.slo import Slo

EVERY = 1.0
STATUS_EVERY = 10.0
LINES = 12
"""For the objectives and the latest events together: with the rest they fill 24 lines at most."""

FEWEST = 3
"""Of them, those that are kept for the latest events, however many objectives there are."""


def of_run(prepared: Prepared) -> AbstractContextManager[Screen]:
    """A screen for the playing of a plan."""
    return display(prepared.plan, prepared.slos, prepared.control)


@contextmanager
def display(plan: Plan, slos: Sequence[Slo], control: Control | None = None) -> Iterator[Screen]:
    """A screen for standard error: a live one on a terminal of at least 80×24, plain lines otherwise."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or console.width < 80 or console.height < 24:
        yield PlainScreen(slos)
        return
    screen = LiveScreen(plan, slos, control)
    with Live(get_renderable=screen.render, console=console, refresh_per_second=4, transient=True):
        yield screen


class PlainScreen:
    """A line an event, and one of figures every ten seconds."""

    def __init__(self, slos: Sequence[Slo]) -> None:
        self._figures, self._start = Figures(slos), time.time()

    def event(self, event: Event) -> None:
        if (event.source, event.kind) == ("conductor", "started"):
            self._start = event.time
        if (told := sentence(event)) is not None:
            self._print(event.time, *told)

    async def watch(self, prometheus: Prometheus) -> None:
        while True:
            await asyncio.sleep(STATUS_EVERY)
            with suppress(FlashcrowdError):
                await self._figures.refresh(prometheus)
                self._print(time.time(), "", self._status())

    def _status(self) -> str:
        good = [f"{slo.name} {_share(slo, self._figures.good.get(slo.name))}" for slo in self._figures.slos]
        return " · ".join(
            [f"{self._figures.viewers[-1]:,.0f} viewers", f"{self._figures.orders[-1]:.0f} orders/s", *good]
        )

    def _print(self, at: float, label: str, text: str) -> None:
        print(f"  {clock(at - self._start)}  {label:<10} {text}", file=sys.stderr, flush=True)  # noqa: T201


class LiveScreen:
    """Phase and clock, the crowd, the objectives, what is broken, the page and the runbook, and what comes next."""

    def __init__(self, plan: Plan, slos: Sequence[Slo], control: Control | None = None) -> None:
        self._plan, self._slos, self._figures = plan, slos, Figures(slos)
        self._steps = [] if control == "no-fault" else plan.spec.steps
        self._start: float | None = None
        self._latest: list[str] = []
        self._broken: dict[str, str] = {}
        self._page = self._step = ""

    def event(self, event: Event) -> None:
        data = event.data
        match event.source, event.kind:
            case "conductor", "started":
                self._start = event.time
            case "fault", "injected":
                self._broken[data["id"]] = f"{data['fault']} on {data['on']}"
            case "fault", "healed":
                self._broken.pop(data["id"], None)
            case "alert", "page":
                self._page = data["alert"]
            case "runbook", "step_start":
                self._step = f"{data['runbook']}: {data['section']} · {data['step']}"
            case "runbook", "ended":
                self._step = f"{data['runbook']}: {str(data['outcome']).replace('_', ' ')}"
        if (told := sentence(event)) is not None:
            self._latest.append(f"{self._clock(event.time)}  {told[0]:<10} {told[1]}")

    async def watch(self, prometheus: Prometheus) -> None:
        while True:
            with suppress(FlashcrowdError):
                await self._figures.refresh(prometheus)
            await asyncio.sleep(EVERY)

    def render(self) -> RenderableType:
        now, left = self._clock(time.time()), max(FEWEST, LINES - len(self._slos))
        head = f"{self._plan.name} · {self._phase()} · {now} of {clock(self._plan.duration)}"
        return Group(
            Text(head, style="bold", no_wrap=True, overflow="ellipsis"),
            Text(),
            self._crowd(),
            Text(),
            self._objectives(),
            Text(),
            *(Text(f"  {name:<9}{text}", no_wrap=True, overflow="ellipsis") for name, text in self._now()),
            Text(),
            *(Text(f"  {line}", style="dim", no_wrap=True, overflow="ellipsis") for line in self._latest[-left:]),
        )

    def _phase(self) -> str:
        if self._start is None:
            return "starting"
        if self._broken:
            return "mitigation" if self._step else "fault"
        return "recovery" if self._page else "baseline"

    def _crowd(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        rows = (("viewers", self._figures.viewers), ("orders/s", self._figures.orders))
        for name, values in rows:
            table.add_row(f"  {name:<9}", f"{values[-1] if values else 0:>7,.0f}", sparkline(values, 50))
        return table

    def _objectives(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, overflow="ellipsis", min_width=22, max_width=36)
        for slo in self._shown():
            state = Text("below its objective", style="red") if self._missed(slo) else Text("")
            held = _share(slo, self._figures.good.get(slo.name))
            table.add_row(f"  {slo.name}", f"{held:>8}", f"of {exact_percent(slo.objective / 100)}", state)
        return table

    def _shown(self) -> Sequence[Slo]:
        """The objectives that there is room for; when that isn't all, those that are missed now come first."""
        most = LINES - FEWEST
        if len(self._slos) <= most:
            return self._slos
        return sorted(self._slos, key=lambda slo: not self._missed(slo))[:most]

    def _missed(self, slo: Slo) -> bool:
        good = self._figures.good.get(slo.name)
        return good is not None and good < slo.objective / 100

    def _now(self) -> list[tuple[str, str]]:
        return [
            ("broken", ", ".join(self._broken.values()) or "nothing"),
            ("page", self._page or "none"),
            ("runbook", self._step or "none"),
            ("next", self._next()),
        ]

    def _next(self) -> str:
        """The next thing of the plan."""
        elapsed = time.time() - self._start if self._start is not None else 0.0
        spec = self._plan.spec
        coming = [(step.at, step.fault.describe()) for step in self._steps]
        coming += [(at, f"sale, wave {number}") for number, at in enumerate(spec.sale.opens_at if spec.sale else [], 1)]
        coming.append((self._plan.duration, "the end of the load"))
        at, what = min((row for row in coming if row[0] > elapsed), default=(self._plan.duration, "the verdict"))
        return f"{what} at {clock(at)}"

    def _clock(self, at: float) -> str:
        return clock(at - self._start) if self._start is not None else "00:00"


def _share(slo: Slo, good: float | None) -> str:
    return "no data" if good is None else held_percent(min(1.0, max(0.0, 1 - good)), slo.budget)
