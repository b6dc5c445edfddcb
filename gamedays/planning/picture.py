"""Plan picture: the timeline of a plan as one SVG, drawn before anything is started.

viewers   the load's shape, with what opens
faults    a lane each: how long it is in place, and until when it has to be noticed, mitigated and recovered from
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from flashcrowd.errors import InputError, NeedError
from flashcrowd.rundir import write_atomically
from flashcrowd.units import clock
from gamedays.plan import FaultStep
from gamedays.planning.checks import Prepared
from gamedays.planning.decidable import shape_of

WIDTH, VIEWERS, LANE = 640, 90, 26
POINTS = 240
INK, QUIET, PAPER = "#1f2328", "#59636e", "#ffffff"

FAULT, OPENING = "#bc4c00", "#8250df"
DEADLINES = {"noticed": "#cf222e", "mitigated": "#0969da", "recovered": "#1a7f37"}
"""One meaning each, as in the report."""

CLOCK = "format(floor(datum.value / 60), '02') + ':' + format(datum.value % 60, '02')"
"""As `units.clock`, in Vega's words."""

Row = dict[str, Any]


def save(prepared: Prepared, file: Path) -> Path:
    """Write the picture; its path.

    Raises:
        InputError: the file isn't to be an SVG. NeedError: it can't be written.
    """
    if file.suffix != ".svg":
        raise InputError(f"--picture {file}: the picture is an SVG; write {file.with_suffix('.svg')}")
    try:
        write_atomically(file, svg(prepared))
    except OSError as error:
        raise NeedError(f"{file} can't be written: {error.strerror}") from None
    return file


def svg(prepared: Prepared) -> str:
    """The picture's text; the same plan gives the same."""
    charts = [_viewers(prepared)]
    charts += [_faults(prepared)] if prepared.plan.spec.steps else []
    chart = alt.vconcat(*charts, spacing=8).resolve_scale(x="shared", color="independent")
    chart = chart.configure(background=PAPER, font="system-ui, sans-serif", padding=12)
    chart = chart.configure_view(stroke=None).configure_title(color=INK, anchor="start", fontSize=12, offset=6)
    chart = chart.configure_axis(
        labelColor=QUIET, titleColor=QUIET, gridColor=INK, gridOpacity=0.1, domain=False, ticks=False, labelFontSize=10
    ).configure_legend(labelColor=INK, title=None, orient="bottom", labelFontSize=10)
    drawn: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return drawn


def _viewers(prepared: Prepared) -> Any:
    plan = prepared.plan
    load, shape = plan.spec.load, shape_of(plan.spec.load, prepared.points)
    last = plan.duration - 0.001
    moments = [plan.duration * n / POINTS for n in range(POINTS)]
    rows = [{"at": at, "viewers": shape.at(at, load.viewers) or 0} for at in [*moments, last]]
    area = (
        alt.Chart(alt.InlineData(values=rows), title=f"{plan.name}: {load.describe()}, {load.scenario}")
        .mark_area(color=QUIET, opacity=0.25, line={"color": QUIET, "strokeWidth": 1.5}, interpolate="step-after")
        .encode(
            x=_x(prepared, not plan.spec.steps),
            y=alt.Y("viewers:Q", title=None, axis=alt.Axis(tickCount=3, format=",~f")),
        )
    )
    opens = list(_openings(prepared))
    rules = alt.Chart(alt.InlineData(values=opens)).mark_rule(color=OPENING, strokeDash=[3, 2]).encode(x="at:Q")
    labels = (
        alt.Chart(alt.InlineData(values=opens))
        .mark_text(color=OPENING, align="left", dx=3, fontSize=10, baseline="top")
        .encode(x="at:Q", y=alt.value(0), text="what:N")
    )
    layers = [area, rules, labels] if opens else [area]
    return alt.layer(*layers).properties(width=WIDTH, height=VIEWERS)


def _faults(prepared: Prepared) -> Any:
    steps = sorted(prepared.plan.spec.steps, key=lambda step: step.at)
    lanes = [_lane(number, step) for number, step in enumerate(steps, 1)]
    y = alt.Y("lane:N", title=None, sort=lanes, axis=alt.Axis(labelLimit=220, grid=False))
    bars = [
        {"lane": lane, "at": step.at, "ends": step.at + step.fault.duration}
        for lane, step in zip(lanes, steps, strict=True)
    ]
    due = [row for lane, step in zip(lanes, steps, strict=True) for row in _deadlines(lane, step)]
    windows = (
        alt.Chart(
            alt.InlineData(values=bars),
            title="Faults, and by when each has to be noticed, mitigated and recovered from",
        )
        .mark_bar(color=FAULT, opacity=0.35, height=LANE * 0.6)
        .encode(x=_x(prepared, True), x2="ends:Q", y=y)
    )
    known = {what: colour for what, colour in DEADLINES.items() if any(row["what"] == what for row in due)}
    colours = alt.Scale(domain=list(known), range=list(known.values()))
    ticks = (
        alt.Chart(alt.InlineData(values=due))
        .mark_tick(thickness=2.5, height=LANE * 0.6, opacity=1)
        .encode(x="at:Q", y=y, color=alt.Color("what:N", scale=colours))
    )
    return alt.layer(*([windows, ticks] if due else [windows])).properties(width=WIDTH, height=LANE * len(lanes))


def _x(prepared: Prepared, lowest: bool) -> alt.X:
    """The clock, told below the lowest panel."""
    title = "minutes and seconds since the first viewer" if lowest else None
    axis = alt.Axis(labels=lowest, labelExpr=CLOCK, tickCount=12, title=title)
    return alt.X("at:Q", scale=alt.Scale(domain=[0, prepared.plan.duration], nice=False), axis=axis)


def _lane(number: int, step: FaultStep) -> str:
    slo = f" → {step.expect.slo}" if step.expect is not None else ""
    return f"{number}  {step.fault.kind} on {step.fault.on}{slo}"


def _deadlines(lane: str, step: FaultStep) -> Iterator[Row]:
    if (wanted := step.expect) is None:
        return
    within = (wanted.detected_within, wanted.mitigated_within, wanted.recovered_within)
    for what, seconds in zip(DEADLINES, within, strict=True):
        if seconds is not None:
            yield {"lane": lane, "at": step.at + seconds, "what": what}


def _openings(prepared: Prepared) -> Iterator[Row]:
    spec = prepared.plan.spec
    for kind, part in (("sale", spec.sale), ("draw", spec.draw)):
        for at in part.opens_at if part is not None else ():
            yield {"at": at, "what": f"{kind} {clock(at)}"}
