"""Charts: the timeline as one picture. The panels share the clock; fault windows are shaded; events are ruled.

The SVG has no colours of its own for text and lines: they follow the page, so that one picture serves light and dark.
"""

from __future__ import annotations

import math
import re
from typing import Any

import altair as alt
import vl_convert

from gamedays.moments import Kind, moments
from gamedays.story import Story

WIDTH, HEIGHT = 720, 84
INK = "#0a0b0c"
"""Stands for the page's own text colour in the SVG; used for nothing else."""

COLOURS: dict[Kind, str] = {
    "sale": "#8250df",
    "fault": "#bc4c00",
    "page": "#cf222e",
    "runbook": "#0969da",
    "recovered": "#1a7f37",
    "healed": "#57606a",
    "silenced": "#57606a",
    "stopped": "#57606a",
}
"""One meaning each; the page's legend names them."""

SERIES = ["#0969da", "#bf8700", "#8250df"]
MISSED = "Events that missed their objective"
DRAWN = ("Viewers", "Orders", "Order latency", MISSED, "Chat delivery")


def timeline(story: Story) -> str:
    """The timeline as an SVG; empty when the run left no series, or never started."""
    if not story.start:
        return ""
    panels = [panel for name in DRAWN if (rows := _rows(story, name)) for panel in [_panel(story, name, rows)]]
    if not panels:
        return ""
    chart = alt.vconcat(*panels, spacing=10).resolve_scale(x="shared", color="independent")
    chart = chart.configure(background="transparent", font="system-ui, sans-serif", padding={"right": 24})
    chart = chart.configure_view(stroke=None).configure_title(color=INK, anchor="start", fontSize=12, offset=4)
    chart = chart.configure_axis(
        labelColor=INK, titleColor=INK, gridColor=INK, gridOpacity=0.12, domain=False, ticks=False, labelFontSize=10
    ).configure_legend(labelColor=INK, title=None, orient="right", labelFontSize=10)
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return themed(svg)


def _panel(story: Story, name: str, rows: list[dict[str, Any]]) -> Any:
    series = list(dict.fromkeys(row["series"] for row in rows))
    last = name == DRAWN[-1]
    x = alt.X(
        "at:Q",
        title="seconds since the first viewer" if last else None,
        scale=alt.Scale(domain=_span(story), nice=False),
    )
    y = alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=3, format=",~f", minExtent=44))
    lines = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=1.6, clip=True)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=series, range=SERIES[: len(series)]),
                legend=alt.Legend() if len(series) > 1 or name == MISSED else None,
            ),
        )
    )
    layers = [*_shades(story), lines, *_rules(story)]
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=_title(name, rows[0]["unit"]))


def _shades(story: Story) -> list[alt.Chart]:
    windows = [{"from": start - story.start, "to": end - story.start} for start, end in story.windows]
    if not windows:
        return []
    mark = alt.Chart(alt.InlineData(values=windows)).mark_rect(color=COLOURS["fault"], opacity=0.13, clip=True)
    return [mark.encode(x="from:Q", x2="to:Q")]


def _rules(story: Story) -> list[alt.Chart]:
    kinds: tuple[Kind, ...] = ("sale", "runbook", "page", "recovered")
    rows = [{"at": m.at, "kind": m.kind, "text": f"{m.label}: {m.text}"} for m in moments(story) if m.kind in kinds]
    return [
        alt.Chart(alt.InlineData(values=[row for row in rows if row["kind"] == kind]))
        .mark_rule(color=COLOURS[kind], strokeDash=[3, 2], strokeWidth=1.3, clip=True)
        .encode(x="at:Q", description="text:N")
        for kind in kinds
        if any(row["kind"] == kind for row in rows)
    ]


def _rows(story: Story, panel: str) -> list[dict[str, Any]]:
    if panel == MISSED:
        return _bad_share(story)
    return [
        {"at": round(at - story.start, 2), "value": round(value, 4), "series": chart["series"], "unit": chart["unit"]}
        for chart in story.charts
        if chart["panel"] == panel
        for at, value in chart["points"]
        if math.isfinite(value) and at >= story.start  # NaN is where nothing happened
    ]


def _bad_share(story: Story) -> list[dict[str, Any]]:
    """The bad share of each SLO that a fault was expected to hit, in percent."""
    names = dict.fromkeys(fault.step.expect.slo for fault in story.faults if fault.step.expect is not None)
    return [
        {"at": round(at - story.start, 2), "value": round(ratio * 100, 3), "series": name, "unit": "%"}
        for name in names
        for at, ratio in story.sli(name).ratios()
        if ratio is not None and at >= story.start
    ]


def _title(name: str, unit: str) -> str:
    return name if unit in name.lower() else f"{name}, {unit}"


def _span(story: Story) -> list[float]:
    return [0, max(story.end - story.start, 1)]


def themed(svg: str) -> str:
    """The SVG in the page's own ink, as wide as the page."""
    svg = svg.replace(f'"{INK}"', '"currentColor"')
    size = re.search(r'width="[\d.]+" height="[\d.]+"', svg)
    return _numbered(svg.replace(size[0], 'width="100%"', 1) if size else svg)


def _numbered(svg: str) -> str:
    """The SVG with its clip paths counted from 1: Vega goes on counting from one picture of a process to the next, and
    the same run must give the same report."""
    known: dict[str, int] = {}
    return re.sub(r'(id="|url\(#)clip(\d+)', lambda m: f"{m[1]}clip{known.setdefault(m[2], len(known) + 1)}", svg)
