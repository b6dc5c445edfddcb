"""Spec: the two kinds of charts, lines and lanes, as Altair writes them. Neither holds data; each is compiled once.

Data are named: `windows` and `marks` in both; `lines` and `across`, or `bars` and `points`. Parameters: `left` and
`right`, the span that is shown in seconds since the start, and `ticks`, where its axis is marked. A row brings its
colour with it, so that one specification serves every panel, and light and dark.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import altair as alt
import vl_convert

from gamedays.report.charts.ink import COLOURS, INK, PAPER

WIDTH, HEIGHT, LANE = 860, 92, 34
AXIS, PAD = 40, 4
"""Pixels left of every plot, so that all of them begin at one place, and around every chart."""

CLOCK = "floor(datum.value / 60) + ':' + (floor(datum.value % 60) < 10 ? '0' : '') + floor(datum.value % 60)"
FIGURE = "format(datum.value, datum.value < 10000 ? ',~f' : '~s')"
ANCHORS: tuple[tuple[Literal["left", "right"], str], ...] = (("left", "begin"), ("right", "end"))
SHAPES = {"page": "diamond", "runbook": "square", "recovered": "circle"}
"""The instants of a lane: each its own shape, so that nobody needs to tell them by colour."""


@cache
def lines() -> dict[str, Any]:
    """The specification of a panel, for Vega. Rows of lines: at, value, series, colour, dash; of across: value."""
    drawn = (
        alt.Chart(alt.NamedData("lines"))
        .mark_line(strokeWidth=1.6, clip=True, strokeJoin="round")
        .encode(
            x=_x("at:Q"),
            y=_y(),
            detail="series:N",
            color=_colour(),
            strokeDash=alt.StrokeDash("dash:N", scale=None, legend=None),
        )
    )
    across = alt.Chart(alt.NamedData("across")).mark_rule(color=INK, opacity=0.6, strokeDash=[2, 2], clip=True)
    return _compiled(alt.layer(_shades(), *_rules(), across.encode(y=_y()), drawn), HEIGHT)


@cache
def lanes(count: int) -> dict[str, Any]:
    """The specification of so many lanes. Rows of bars: from, to, lane (from 0), name, stretch, colour; of points:
    at, lane, kind, colour, text. The first lane's names, the phases', are left out where their bars are short."""
    y = alt.Y("lane:O", title=None, axis=None, scale=alt.Scale(domain=list(range(count)), padding=0))
    bars = (
        alt.Chart(alt.NamedData("bars"))
        .mark_bar(clip=True, height=9, yOffset=7, opacity=0.85)
        .encode(x=_x("from:Q"), x2="to:Q", y=y, color=_colour())
    )
    points = (
        alt.Chart(alt.NamedData("points"))
        .mark_point(filled=True, size=110, opacity=1, clip=True, yOffset=7, stroke=PAPER, strokeWidth=1.5)
        .encode(x=_x("at:Q"), y=y, shape=_shape(), color=_colour(), description="text:N")
    )
    names = (
        alt.Chart(alt.NamedData("bars"))
        .transform_aggregate(begin="min(from)", end="max(to)", groupby=["lane", "name", "stretch"])
        .transform_filter("datum.lane > 0 || datum.end - datum.begin > 0.08 * (right - left)")
    )
    late = "(datum.begin > left + 0.6 * (right - left))"
    texts = [
        names.transform_filter(late if align == "right" else f"!{late}")
        .mark_text(align=align, baseline="middle", yOffset=-8, color=INK, fontSize=11, clip=True)
        .encode(x=_x(f"{end}:Q"), y=y, text="name:N")
        for align, end in ANCHORS
    ]
    chart = alt.layer(_shades(), *_rules(), bars, points, *texts)
    return _compiled(chart, LANE * count, left=AXIS)


def _x(field: str) -> alt.X:
    scale = alt.Scale(domainMin=alt.ExprRef(expr="left"), domainMax=alt.ExprRef(expr="right"), nice=False, zero=False)
    axis = alt.Axis(labelExpr=CLOCK, labelOverlap=True, labelFlush=True, values=alt.ExprRef(expr="ticks"))
    return alt.X(field, title=None, scale=scale, axis=axis)


def _y() -> alt.Y:
    axis = alt.Axis(tickCount=3, labelExpr=FIGURE, minExtent=AXIS, maxExtent=AXIS)
    return alt.Y("value:Q", title=None, scale=alt.Scale(zero=True, rangeMax=3), axis=axis)


def _shades() -> alt.Chart:
    shades: alt.Chart = (
        alt.Chart(alt.NamedData("windows"))
        .mark_rect(color=COLOURS["fault"], opacity=0.12, clip=True)
        .encode(x=_x("from:Q"), x2="to:Q")
    )
    return shades


def _rules() -> list[alt.Chart]:
    """A rule at each mark, solid where a fault begins, dashed for the rest."""
    marks = alt.Chart(alt.NamedData("marks"))
    return [
        marks.transform_filter(f"{'' if solid else '!'}(datum.kind == 'fault')")
        .mark_rule(strokeDash=[1, 0] if solid else [3, 2], strokeWidth=1.2, clip=True, opacity=0.8)
        .encode(x=_x("at:Q"), color=_colour(), description="text:N")
        for solid in (True, False)
    ]


def _shape() -> alt.Shape:
    return alt.Shape("kind:N", scale=alt.Scale(domain=list(SHAPES), range=list(SHAPES.values())), legend=None)


def _colour() -> alt.Color:
    return alt.Color("colour:N", scale=None, legend=None)


def _compiled(chart: Any, height: int, left: int = 0) -> dict[str, Any]:
    """left: pixels that stand where others have their axis."""
    padding = {"left": PAD + left, "right": PAD, "top": PAD, "bottom": PAD}
    chart = chart.properties(width=WIDTH, height=height, padding=padding)
    chart = chart.add_params(
        alt.param(name="left", value=0), alt.param(name="right", value=1), alt.param(name="ticks", value=[])
    )
    chart = chart.configure(background="transparent", font="system-ui, sans-serif").configure_view(stroke=None)
    chart = chart.configure_axis(
        labelColor=INK, titleColor=INK, gridColor=INK, gridOpacity=0.12, domain=False, ticks=False, labelFontSize=10
    )
    found: dict[str, Any] = vl_convert.vegalite_to_vega(chart.to_dict())
    return found
