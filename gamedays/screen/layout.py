"""Layout: one frame of the live display, from what is known now to lines that fit. Pure: no clock and no terminal.

flash-sale-rehearsal · embedded storefront            MITIGATION  01:03 of 02:10     head
━━━━━━━━━━━━━━━┿━━━━━━━▓▓▓▓▓▓░░░░░░░░░░░░░░░░░░─────────┼─────────────────────     the way, faults and openings

  viewers       2,000  ▁▂▃▄▅▆▇███████████████████████████████                       rates
  order-latency    86.2 %  of 99 %  below  ████▇▅▂▁▁▃▆████                          objectives

  broken    network.latency on inventory, bites, 13 s of 60 s                       now
  next      sale, wave 2 at 01:00, in 7 s

  00:57  page       OrderLatencyBurn → runbook order-latency                        the latest
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from flashcrowd.units import about, clock
from gamedays.plan import EMBEDDED, Control, Plan
from gamedays.screen import agenda
from gamedays.screen.bars import BARS, WITHIN, held_line, sparkline, way
from gamedays.screen.figures import Figures
from gamedays.screen.state import Broken, Followed, State, Told
from monitors.figures import exact_percent, held_percent
from monitors.slo import Slo

WIDTH, HEIGHT = 80, 24
"""The least that a live display is begun on; it goes on in less when the terminal shrinks."""

TALL = 30
"""Lines from which on more than the next one of the things to come is shown."""

FEWEST = 3
"""Lines that are kept for what happened last, however many objectives there are."""

STYLES = {
    "baseline": "green",
    "fault": "yellow",
    "mitigation": "blue",
    "recovery": "green",
    "page": "red",
    "alert": "red",
    "runbook": "blue",
    "sale": "magenta",
    "draw": "magenta",
    "stopping": "bold",
}
"""One meaning each, the same as in the report; nothing is said by colour alone."""


@dataclass(frozen=True)
class View:
    """What a frame is drawn from. now: unix seconds. printed: what others printed meanwhile, the last line of it."""

    plan: Plan
    slos: Sequence[Slo]
    control: Control | None
    state: State
    figures: Figures
    now: float
    printed: str = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the first viewer, until the load ended."""
        start = self.state.start
        return max(0.0, (self.state.ended or self.now) - start) if start is not None else 0.0

    def clock(self, at: float) -> str:
        """A time on the run's clock: since the first viewer, until then since its beginning."""
        since = self.state.start if self.state.start is not None else self.state.began
        return clock(at - (since if since is not None else at))

    def missed(self, slo: Slo) -> bool:
        good = self.figures.latest(slo.name)
        return good is not None and good < slo.objective / 100


@dataclass(frozen=True)
class Group:
    """What stands beside one label, the most urgent first. counted: what has no line of its own is counted."""

    label: str
    texts: Sequence[str]
    style: str = ""
    counted: bool = True


def frame(view: View, width: int, height: int) -> list[Text]:
    """At most `height` lines of at most `width` cells."""
    head, rates, groups = _head(view, width), _rates(view, width), _groups(view, 1 if height < TALL else 3)
    spare = height - len(head) - len(rates) - len(groups) - 4  # four empty lines
    objectives = _objectives(view, width, max(1, spare - FEWEST))
    spare -= len(objectives)
    now = _rows(groups, max(0, spare - 2 * FEWEST))
    latest = view.state.told[-max(1, spare - (len(now) - len(groups))) :]
    told = [_told(view, one) for one in latest]
    lines = [line for block in (head, rates, objectives, now, told) if block for line in (*block, Text())][:-1]
    return [_cut(line, width) for line in lines[:height]]


def _head(view: View, width: int) -> list[Text]:
    plan, state = view.plan, view.state
    target = "embedded storefront" if plan.spec.target == EMBEDDED else plan.spec.target
    left = Text(f"{plan.name} · {f'control: {view.control}' if view.control else target}", style="bold")
    if state.start is None:
        time = clock(view.now - (state.began or view.now))
    else:
        time = f"{clock(min(view.elapsed, plan.duration))} of {clock(plan.duration)}"
    right = Text.assemble((state.phase.upper(), f"bold {STYLES.get(state.phase, '')}".strip()), f"  {time}")
    room = width - right.cell_len - 2
    left = _cut(left, max(0, room))
    head = Text.assemble(left, " " * max(2, width - left.cell_len - right.cell_len), right)
    marks = [at for at in agenda.openings(plan) if at < plan.duration]
    line = Text(way(view.elapsed, plan.duration, agenda.windows(plan, view.control), marks, width))
    line.highlight_regex("[▓░]+", STYLES["fault"])
    line.highlight_regex("[┿┼]", STYLES["sale"])
    return [head, line]


def _rates(view: View, width: int) -> list[Text]:
    figures = view.figures
    rows = (("viewers", figures.viewers), ("orders/s", figures.orders), ("comments/s", figures.comments))
    return [
        Text(f"  {name:<12}{f'{values[-1]:,.0f}' if values else '-':>9}  {sparkline(values, width - 25)}")
        for name, values in rows
    ]


def _objectives(view: View, width: int, most: int) -> list[Text]:
    """The objectives that there is room for; when that isn't all, those that are missed now come first."""
    shown = list(view.slos)
    if len(shown) > most:
        shown.sort(key=lambda slo: not view.missed(slo))
    rest = len(shown) - most + 1 if len(shown) > most else 0
    size = min(max((len(slo.name) for slo in shown), default=0), max(20, width - 58))
    lines = [_objective(view, slo, size, width) for slo in shown[: len(shown) - rest]]
    if rest:
        below = sum(view.missed(slo) for slo in shown[len(shown) - rest :])
        lines.append(Text(f"  and {rest} more, {f'{below} of them below' if below else 'none of them below'}"))
    return lines


def _objective(view: View, slo: Slo, size: int, width: int) -> Text:
    good, missed = view.figures.latest(slo.name), view.missed(slo)
    name = _cut(Text(slo.name), size)
    held = "no data" if good is None else held_percent(1 - good, slo.budget)
    wanted = exact_percent(slo.objective / 100)
    line = Text.assemble("  ", name, " " * (size - name.cell_len), f"  {held:>8}  of {wanted:<8}")
    line.append(f"  {'below' if missed else '':<5}  ", style="bold red" if missed else "")
    bars = Text(held_line(view.figures.good.get(slo.name, ()), slo.budget, width - line.cell_len - 1))
    bars.highlight_regex(f"[{BARS[: BARS.index(WITHIN)]}]+", "red")
    bars.highlight_regex(f"[{BARS[BARS.index(WITHIN) :]}]+", "green")
    return line.append_text(bars)


def _groups(view: View, coming: int) -> list[Group]:
    """What is broken, who was paged, what is done about it, and what comes next."""
    state = view.state
    broken = [_broken(view, fault) for fault in state.broken.values()]
    pages = [f"{page.alert}, {view.clock(page.at)}" for page in reversed(state.paged)]
    books = sorted(state.followed.values(), key=lambda book: (bool(book.outcome), -book.since))
    nobody = f"none now, {state.pages} before" if state.pages else "none"
    groups = [
        Group("broken", broken or ["nothing"], STYLES["fault"] if broken else ""),
        Group("page", pages or [nobody], STYLES["page"] if pages else ""),
        Group("runbook", [_book(view, book) for book in books] or ["none"], STYLES["runbook"] if books else ""),
        Group("next", _next(view)[:coming], counted=False),
    ]
    return [*groups, Group("printed", [view.printed])] if view.printed else groups


def _rows(groups: Sequence[Group], more: int) -> list[Text]:
    """A line for each group, and `more` at most for what else is in them."""
    rows = []
    for group in groups:
        shown = list(group.texts[: 1 + more])
        more -= len(shown) - 1
        if len(shown) < len(group.texts) and group.counted:
            shown[0] = f"{len(group.texts)}: {shown[0]}"
        for number, text in enumerate(shown):
            rows.append(Text.assemble(f"  {'' if number else group.label:<9}", (text, group.style)))
    return rows


def _broken(view: View, fault: Broken) -> str:
    steps = view.plan.spec.steps
    known = fault.step is not None and fault.step < len(steps)
    whole = f" of {about(steps[fault.step or 0].fault.duration)}" if known else ""
    bites = f", {fault.bites}" if fault.bites else ""
    return f"{fault.name}{bites}, {max(0.0, view.now - fault.since):.0f} s{whole}"


def _book(view: View, book: Followed) -> str:
    return f"{book.text}, {view.clock(book.since)}" if book.outcome else f"{book.text}, {view.now - book.since:.0f} s"


def _next(view: View) -> list[str]:
    """The next things of the plan."""
    if view.state.stage in ("judging", "stopping"):
        return ["the verdict"]
    if view.state.start is None:
        return ["the first viewers"]
    coming = [item for item in agenda.agenda(view.plan, view.control) if item.at > view.elapsed]
    texts = [f"{item.what}, in {math.ceil(item.at - view.elapsed)} s, at {clock(item.at)}" for item in coming[:3]]
    return texts or ["the end of the load"]


def _told(view: View, one: Told) -> Text:
    label = (f"{one.label:<10}", STYLES.get(one.kind, ""))
    return Text.assemble((f"  {view.clock(one.at)}  ", "dim"), label, f" {one.text}")


def _cut(text: Text, width: int) -> Text:
    """As much of a line as has room, with an ellipsis where it has not."""
    cut = text.copy()
    cut.truncate(width, overflow="ellipsis")
    return cut
