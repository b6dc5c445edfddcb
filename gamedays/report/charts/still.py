"""Still: charts as SVG, for paper, for pages without scripts and for Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

import vl_convert

from gamedays.report.charts import clockwork, spec
from gamedays.report.charts.ink import INK, counted
from gamedays.report.charts.line import Line, Panel
from gamedays.report.charts.look import looks
from gamedays.report.charts.marks import Lanes

MOST = 400
"""Values of a line: about two a pixel's width are all that can be seen."""

TICKS = 12

Rows = list[dict[str, Any]]
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')


def panel_svg(panel: Panel, end: float, common: Mapping[str, Rows]) -> str:
    """A panel of a run that lasted `end` seconds. common: the rows of windows and marks."""
    across = [{"value": panel.most}] if panel.most is not None else []
    look = looks([line.name for line in panel.lines])
    lines = [
        {**row, "colour": look[line.name].colour, "dash": list(look[line.name].dash)}
        for line in panel.lines
        for row in _rows(line.thinned(MOST))
    ]
    return _svg(spec.lines(), end, {**common, "lines": lines, "across": across}, f"{panel.key}-")


def lanes_svg(lanes: Lanes, end: float, common: Mapping[str, Rows]) -> str:
    """The lanes of a run that lasted `end` seconds."""
    return _svg(spec.lanes(len(lanes.names)), end, {**common, "bars": lanes.bars, "points": lanes.points}, "lanes-")


def stacked(pictures: Sequence[tuple[str, Sequence[tuple[str, str, bool]], str]]) -> str:
    """Pictures below each other as one, on white. Of each: title, legend (text, colour, dashed), SVG."""
    found, y, width = [], 8.0, 0.0
    for title, legend, svg in pictures:
        size = _SIZE.search(svg)
        assert size is not None
        found.append(f'<g transform="translate(8,{y + 12:g})">{_heading(title, legend)}</g>')
        found.append(re.sub("<svg ", f'<svg x="4" y="{y + 18:g}" ', svg, count=1))
        y += float(size[2]) + 26
        width = max(width, float(size[1]) + 8)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {y:g}" width="{width:g}" height="{y:g}"'
    body = f'<rect width="100%" height="100%" fill="#fff"/>{"".join(found)}'
    return f'{head} font-family="system-ui, sans-serif" font-size="11">{body}</svg>'.replace(INK, "#1f2328")


def _heading(title: str, legend: Sequence[tuple[str, str, bool]]) -> str:
    parts = [f'<text font-weight="600" fill="{INK}">{escape(title)}']
    for text, colour, dashed in legend:
        parts.append(f'<tspan dx="10" fill="{colour}">{"╌" if dashed else "━"}</tspan> {escape(text)}')
    return "".join(parts) + "</text>"


def _rows(line: Line) -> Rows:
    return [{"at": at, "value": value, "series": line.name} for at, value in line.points()]


def _svg(compiled: dict[str, Any], end: float, rows: Mapping[str, Rows], prefix: str) -> str:
    filled = [{**data, "values": rows[data["name"]]} if data["name"] in rows else data for data in compiled["data"]]
    shown = {"right": max(end, 1), "ticks": clockwork.ticks(0, end, TICKS)}
    signals = [{**one, "value": shown[one["name"]]} if one["name"] in shown else one for one in compiled["signals"]]
    return counted(_drawn(json.dumps({**compiled, "data": filled, "signals": signals})), prefix)


@lru_cache(maxsize=32)
def _drawn(specification: str) -> str:
    """The SVG; kept, since a page and a picture of the same run draw the same."""
    svg: str = vl_convert.vega_to_svg(specification)
    return svg
