"""Table: the figures behind a chart, for whoever can't see it, or wants them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flashcrowd.units import about, clock
from gamedays.report.charts import clockwork
from gamedays.report.charts.line import Panel

ROWS = 48
"""Of a table, at most."""


@dataclass(frozen=True)
class Table:
    """note: what a cell is. head: the lines' names. rows: the clock at the row's beginning, and a cell a line."""

    note: str
    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def table(panel: Panel, end: float) -> Table:
    """The panel's figures, of a run that lasted `end` seconds."""
    step = clockwork.step(end, ROWS)
    kind = "the worst" if panel.fold == "max" else "the mean"
    rows = [
        (clock(at), [_cell(line.folded(at, at + step, panel.fold)) for line in panel.lines])
        for at in range(0, int(end) + 1, step)
    ]
    note = f"{panel.title}, {panel.unit}: {kind} of every {about(step)}"
    return Table(note, [line.name for line in panel.lines], [row for row in rows if any(row[1])])


def _cell(value: float | None) -> str:
    """Three figures; nothing where there are no data."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
