"""Ink: the colours of charts, one meaning each, and how a picture takes on those of the page that it is in.

A chart is drawn in the light colours below. Inside a page each becomes a variable of the page's style, so that one
picture serves light and dark, paper and screen.
"""

from __future__ import annotations

import re

from gamedays.report.moments import Kind

INK, PAPER = "#0a0b0c", "#fefdfc"
"""Stand for the page's own text colour and its ground in the SVG; used for nothing else."""

COLOURS: dict[Kind, str] = {
    "sale": "#8250df",
    "fault": "#bc4c00",
    "page": "#cf222e",
    "runbook": "#0969da",
    "recovered": "#1a7f37",
    "healed": "#57606a",
    "silenced": "#57606b",
    "stopped": "#57606c",
}
"""What happens; the legend names them."""

SERIES = ("#3d4754", "#0e7c86", "#bf3989", "#8a6d00")
"""What is measured: none of the above. From the fifth line on they come again, dashed."""


def themed(svg: str) -> str:
    """The SVG in the page's own ink, as wide as the page."""
    svg = svg.replace(f'"{INK}"', '"currentColor"')
    size = re.search(r'width="[\d.]+" height="[\d.]+"', svg)
    return counted(svg.replace(size[0], 'width="100%"', 1) if size else svg)


def inked(text: str) -> str:
    """A picture, or what is told to draw one, in the variables of the report's style instead of colours."""
    for name, colour in variables().items():
        text = text.replace(f'"{colour}"', f'"var(--{name})"')
    return text.replace(f'"{INK}"', '"currentColor"')


def variables() -> dict[str, str]:
    """The colours by the names of the style's variables."""
    lines = {f"line-{number}": colour for number, colour in enumerate(SERIES, 1)}
    return {"paper": PAPER, **{str(kind): colour for kind, colour in COLOURS.items()}, **lines}


def counted(svg: str, prefix: str = "clip") -> str:
    """The SVG with its clip paths counted from 1: Vega goes on counting from one picture of a process to the next, and
    the same run must give the same report. prefix: of their names, which are those of the page that it is in."""
    known: dict[str, int] = {}
    return re.sub(r'(id="|url\(#)clip(\d+)', lambda m: f"{m[1]}{prefix}{known.setdefault(m[2], len(known) + 1)}", svg)
