"""Charts: the timeline of a run. All panels share the clock; fault windows are shaded, cause and effect are ruled.

line ─► panels ─┬─► still   SVG: paper, Markdown, pages without scripts
marks ──────────┼─► live    data and specifications for the page's own script
                └─► table   the figures behind each chart
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from flashcrowd.rundir import RunDirectory
from gamedays.report.charts import live, loads, marks, still
from gamedays.report.charts.ink import COLOURS, INK, inked, themed
from gamedays.report.charts.line import Panel
from gamedays.report.charts.look import DASHED, looks
from gamedays.report.charts.marks import Lanes
from gamedays.report.charts.panels import panels
from gamedays.report.charts.table import Table, table
from gamedays.report.moments import Kind
from gamedays.story.story import Story

__all__ = ["COLOURS", "INK", "Chart", "Timeline", "draw", "draw_load", "marks_of", "picture", "themed"]

LANES = "Phases, faults, and what was done about them"
STATES: tuple[tuple[str, Kind], ...] = (
    ("broken, nobody noticed", "fault"),
    ("paged, being mended", "runbook"),
    ("back, fault still on", "recovered"),
    ("nothing broken", "healed"),
)
"""What the colours of a lane mean."""

MARKS: tuple[tuple[str, str, Kind], ...] = (
    ("dot sale", "sale opens", "sale"),
    ("dot fault", "fault injected", "fault"),
    ("bar window", "a fault in place", "fault"),
    ("dot page", "page", "page"),
    ("dot runbook", "runbook's step", "runbook"),
    ("dot recovered", "recovered", "recovered"),
)
"""What the marks mean, by their class in the page's style."""


def marks_of(kinds: Set[Kind]) -> list[tuple[str, str]]:
    """The legend of a run in which these happened: class and text."""
    return [(look, text) for look, text, kind in MARKS if kind in kinds]


@dataclass(frozen=True)
class Key:
    """A line in a chart's legend. number: of its colour."""

    name: str
    number: int
    dashed: bool


@dataclass(frozen=True)
class Chart:
    """One chart of a page; `table` is None for the lanes, whose figures are in the first screen."""

    key: str
    title: str
    unit: str
    note: str
    legend: tuple[Key, ...]
    svg: str
    table: Table | None


@dataclass(frozen=True)
class Timeline:
    """All charts of a page, and what its script needs; nothing where there is nothing to draw."""

    charts: tuple[Chart, ...] = ()
    data: str = ""


def draw(story: Story) -> Timeline:
    """The charts of a run, for a page: in the variables of its style."""
    return _drawn(*_parts(story))


def draw_load(run: RunDirectory) -> Timeline:
    """The charts of a load that nobody conducted: from its generator's own records."""
    start = loads.began(run)
    shown = [*loads.request_panels(run, start), *loads.order_panels(run, start)] if start else []
    end = max((line.end for panel in shown for line in panel.lines), default=0.0)
    return _drawn(end, shown, Lanes(()), {"windows": [], "marks": marks.sales(run, start)})


def _drawn(end: float, shown: list[Panel], lanes: Lanes, common: live.Common) -> Timeline:
    charts = [_chart(panel, end, common) for panel in shown]
    if lanes.names:
        charts.insert(0, Chart("lanes", LANES, "", "", (), inked(still.lanes_svg(lanes, end, common)), None))
    return Timeline(tuple(charts), live.as_json(shown, lanes, end, common)) if charts else Timeline()


def picture(story: Story) -> str:
    """The same as one SVG that stands alone; empty where there is nothing to draw."""
    end, shown, lanes, common = _parts(story)
    states = [(text, COLOURS[kind], False) for text, kind in STATES]
    parts = [(LANES, states, still.lanes_svg(lanes, end, common))] if lanes.names else []
    for panel in shown:
        look = looks([line.name for line in panel.lines])
        legend = [(line.name, look[line.name].colour, look[line.name].dash == DASHED) for line in panel.lines]
        parts.append((f"{panel.title}, {panel.unit}", legend, still.panel_svg(panel, end, common)))
    return still.stacked(parts) if parts else ""


def _parts(story: Story) -> tuple[float, list[Panel], Lanes, live.Common]:
    if not story.start:
        return 0.0, [], Lanes(()), {}
    common = {"windows": marks.windows(story), "marks": marks.marks(story)}
    return max(story.end - story.start, 1.0), panels(story), marks.lanes(story), common


def _chart(panel: Panel, end: float, common: live.Common) -> Chart:
    look = looks([line.name for line in panel.lines])
    legend = tuple(Key(line.name, look[line.name].number, look[line.name].dash == DASHED) for line in panel.lines)
    svg = inked(still.panel_svg(panel, end, common))
    return Chart(panel.key, panel.title, panel.unit, panel.note, legend, svg, table(panel, end))
