"""Panels: the charts of a run in their order, from its series and SLIs; where there are none, from its load."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from gamedays.judging import drift
from gamedays.plan import DriftPlan
from gamedays.report.charts import loads
from gamedays.report.charts.line import Fold, Line, Panel
from gamedays.report.charts.look import RAW
from gamedays.story.story import Story
from monitors.slo import Slo

CORRECTED = "from the viewer's wish to the answer; raw: from sending, which hides the waiting before"
SELDOM = ("reconnecting", "refused", "planned", "started", "dropped", "saturated")
"""Series that are left out where they were zero all the time."""


@dataclass(frozen=True)
class Drawn:
    """How a panel of the recorded series is drawn. factor: from the recorded unit to the one that is shown."""

    name: str
    title: str
    unit: str
    fold: Fold
    factor: float = 1.0
    note: str = ""


DRAWN = (
    Drawn("Viewers", "Viewers", "at once", "mean"),
    Drawn("Arrivals", "Arrivals", "a second", "mean", note="rooms entered; starts of a schedule"),
    Drawn("Orders", "Order outcomes", "orders a second", "mean", note="as the viewers saw them"),
    Drawn("Order latency", "Order latency", "ms", "max", 1000, CORRECTED),
    Drawn("Chat delivery", "Chat delivery", "ms", "max", 1000, "from sending a comment to its arrival"),
    Drawn("Stalls", "Picture stalls", "% of the time watched", "max", 100),
    Drawn("Freshness", "Freshness", "ms", "max", 1000, "from a viewer's act until the platform shows it"),
    Drawn("Generator lag", "Generator lag", "ms", "max", 1000, "our own lateness, never blamed on the target"),
    Drawn("Generator CPU", "Generator CPU", "% of a core", "max", 100, "of its busiest process"),
)


def panels(story: Story) -> list[Panel]:
    """The charts that there are data for; none when the run never started."""
    if not story.start:
        return []
    if not story.charts:
        return [*loads.order_panels(story.run, story.start), *loads.request_panels(story.run, story.start)]
    recorded = {drawn.name: _recorded(story, drawn) for drawn in DRAWN}
    before, after = DRAWN[:4], DRAWN[4:]
    found = [
        *(recorded[drawn.name] for drawn in before),
        _missed(story),
        *(recorded[drawn.name] for drawn in after),
        _budget(story),
        *(_drift(story, wanted) for wanted in story.plan.spec.drift),
    ]
    return [panel for panel in found if panel is not None]


def _recorded(story: Story, drawn: Drawn) -> Panel | None:
    lines = (
        Line.of(
            chart["series"],
            ((at - story.start, value * drawn.factor) for at, value in chart["points"] if at >= story.start),
        )
        for chart in story.charts
        if chart["panel"] == drawn.name and (chart["series"] not in SELDOM or _ever(chart["points"]))
    )
    return _panel(_key(drawn.name), drawn.title, drawn.unit, lines, drawn.fold, drawn.note)


def _ever(points: Sequence[Sequence[float]]) -> bool:
    return any(value and math.isfinite(value) for _, value in points)


def _missed(story: Story) -> Panel | None:
    """The bad share of each SLO that ever was bad, or that a fault was expected to hit."""
    expected = {fault.step.expect.slo for fault in story.faults if fault.step.expect is not None and fault.injected}
    lines = (
        Line.of(
            slo.name,
            (
                (at - story.start, None if ratio is None else ratio * 100)
                for at, ratio in story.sli(slo.name).ratios()
                if at >= story.start
            ),
            story.sli(slo.name).step,
        )
        for slo in story.slos
        if slo.name in expected or any(bad for _, bad, _ in story.sli(slo.name).rows)
    )
    return _panel("missed", "Events that missed their objective", "%", lines, "max")


def _budget(story: Story) -> Panel | None:
    """How much of the error budget of its own traffic the run had spent."""
    lines = (_spent(story, slo) for slo in story.slos)
    note = "100 % is all that the objective allows for this run's own events"
    panel = _panel("budget", "Error budget spent", "%", lines, "max", note)
    return None if panel is None else replace(panel, most=100.0)


def _spent(story: Story, slo: Slo) -> Line | None:
    sli = story.sli(slo.name)
    rows = [row for row in sli.rows if story.start <= row[0] <= story.end]
    allowed = slo.budget * sum(total or 0.0 for _, _, total in rows)
    if not allowed or not any(bad for _, bad, _ in rows):
        return None
    spent = accumulate(bad or 0.0 for _, bad, _ in rows)
    return Line.of(
        slo.name,
        ((row[0] - story.start, 100 * so_far / allowed) for row, so_far in zip(rows, spent, strict=True)),
        sli.step,
    )


def _drift(story: Story, wanted: DriftPlan) -> Panel | None:
    """By how much what must not grow was above its level when nothing changed any more."""
    steady = drift.steady(story)
    begins = steady[0][0] if steady else story.end
    lines = (_above(story, one, begins) for one in drift.load(story.run) if one.drift == wanted.name)
    note = "above the level that it had once caches were full"
    panel = _panel(f"drift-{wanted.name}", f"Drift of {wanted.name}", "%", lines, "mean", note)
    return None if panel is None else replace(panel, most=wanted.at_most * 100)


def _above(story: Story, series: drift.Series, begins: float) -> Line | None:
    after = (value for at, value in series.points if at >= begins and value > 0 and math.isfinite(value))
    level = next(after, None)
    if level is None:
        return None
    points = ((at - story.start, 100 * (value / level - 1)) for at, value in series.points if at >= story.start)
    return Line.of(series.name.removeprefix(f"{series.drift}/"), points, series.step)


def _panel(
    key: str, title: str, unit: str, lines: Iterator[Line | None], fold: Fold = "mean", note: str = ""
) -> Panel | None:
    known = tuple(line for line in lines if line is not None)
    if note == CORRECTED and not any(line.name.endswith(RAW) for line in known):
        note = ""
    return Panel(key, title, unit, known, fold, note) if known else None


def _key(name: str) -> str:
    return name.lower().replace(" ", "-")
