"""Charts: a line for each figure over the runs, as one SVG for each group; light and dark by the page's own ink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import altair as alt
import vl_convert

from gamedays.comparison.row import Call, Group, Key, Row
from gamedays.comparison.trend import Series, Trend
from gamedays.report.charts import INK, themed

WIDTH, HEIGHT, COLUMNS = 330, 90, 2
LINE, JUDGED = "#0969da", {Call.WORSE: "#cf222e", Call.BETTER: "#1a7f37"}
"""A point is red where the run that is judged got worse, green where it got better."""

DRAWN: tuple[Group, ...] = ("recovery", "mitigation", "detection", "objectives", "latency", "requests", "generator")


@dataclass(frozen=True)
class Drawn:
    """The picture of a group: an SVG with so many panels."""

    group: Group
    panels: int
    svg: str


def charts(found: Trend, rows: Sequence[Row], judged: str) -> list[Drawn]:
    """A picture for each group that has a figure. judged: the run that the rows are about."""
    calls = {row.key: row.call for row in rows}
    drawn = [one for one in found.series if one.key.group in DRAWN and _moves(one)]
    groups = [(group, list(series)) for group, series in groupby(drawn, key=lambda one: one.key.group)]
    return [Drawn(group, len(series), _picture(found, series, calls, judged)) for group, series in groups]


def _moves(one: Series) -> bool:
    """Whether there is anything to be seen: two figures, and not nothing but zeros."""
    values = [value for value in one.values if value is not None]
    return len(values) > 1 and any(values)


def _picture(found: Trend, series: Sequence[Series], calls: dict[Key, Call], judged: str) -> str:
    panels = [_panel(found, one, calls.get(one.key), judged) for one in series]
    chart = alt.concat(*panels, columns=COLUMNS, spacing=24).resolve_scale(x="independent", y="independent")
    chart = chart.configure(background="transparent", font="system-ui, sans-serif", padding={"right": 16})
    chart = chart.configure_view(stroke=None).configure_title(color=INK, anchor="start", fontSize=11, offset=6)
    chart = chart.configure_axis(
        labelColor=INK, titleColor=INK, gridColor=INK, gridOpacity=0.12, domain=False, ticks=False, labelFontSize=9
    )
    return themed(vl_convert.vegalite_to_svg(chart.to_dict()))


def _panel(found: Trend, one: Series, call: Call | None, judged: str) -> Any:
    factor, unit = (100, "%") if one.unit == "ratio" else (1, "s")
    rows = [
        {
            "run": f"{number}",
            "at": point.label,
            "value": None if value is None else round(value * factor, 5),
            "text": f"{point.run}: {text}",
            "colour": JUDGED.get(call, LINE) if call is not None and point.run == judged else LINE,
        }
        for number, (point, value, text) in enumerate(zip(found.points, one.values, one.texts, strict=True), 1)
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X(
            "run:O",
            title=None,
            sort=[str(row["run"]) for row in rows],
            axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False),
        ),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(tickCount=3, minExtent=40)),
    )
    line = base.mark_line(strokeWidth=1.6, color=LINE)
    points = base.transform_filter("isValid(datum.value)").mark_point(filled=True, size=34, opacity=1)
    points = points.encode(color=alt.Color("colour:N", scale=None), description="text:N")
    return alt.layer(line, points).properties(width=WIDTH, height=HEIGHT, title=_title(one, unit))


def _title(one: Series, unit: str) -> list[str]:
    """In two lines where one would be wider than the panel."""
    name, _, what = one.key.name.partition(" after ")
    return [f"{name}, {unit}", f"after {what}"] if what else [f"{name}, {unit}"]
