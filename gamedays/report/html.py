"""HTML: the report that one brings to the go/no-go meeting; one file, offline, readable without its script."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from flashcrowd.units import clock, utc
from flashcrowd.verdict import Outcome, Verdict
from gamedays import production
from gamedays.moments import moments
from gamedays.report import charts, detection, effects, sentences, tiles, transcript, triad_table
from gamedays.report.charts import live
from gamedays.story import Story

WORDS = {Outcome.PASS: "Passed", Outcome.FAIL: "Failed", Outcome.INCONCLUSIVE: "Undecided"}
SIGNS = {Outcome.PASS: "✓", Outcome.FAIL: "✕", Outcome.INCONCLUSIVE: "?"}
PAGE = Path(__file__).parent / "page"

MARKS = (
    ("dot sale", "sale opens"),
    ("dot fault", "fault injected"),
    ("dot page", "page"),
    ("dot runbook", "runbook's step"),
    ("dot recovered", "recovered"),
    ("bar window", "a fault in place"),
)
"""What the marks of the charts mean, by their class in the style."""

WHY = 6
"""Findings that the first screen names."""


def write(story: Story, verdict: Verdict) -> str:
    """The report as one HTML page."""
    replayed = production.load(story.run)
    timeline = charts.draw(story)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            story=story,
            verdict=verdict,
            words=WORDS,
            signs=SIGNS,
            style=part("style.css"),
            script=part("script.js"),
            vega=Markup(live.vega()) if timeline.charts else "",
            headline=sentences.headline(story, verdict),
            next_step=sentences.next_step(story, verdict),
            why=[*verdict.of(Outcome.FAIL), *verdict.of(Outcome.INCONCLUSIVE)],
            shown_why=WHY,
            length=sentences.length(story),
            effects=effects.effects(story),
            unexplained=effects.unexplained(story),
            tiles=tiles.tiles(story, verdict),
            objectives=sentences.objectives(story, verdict),
            triads=triad_table.rows(story),
            triad_times=triad_table.TIMES,
            triad_note=f"{triad_table.NOTE} {triad_table.summary(story)}",
            detections=detection.rows(replayed),
            detection_head=detection.HEAD,
            detection_note=detection.note(replayed) if replayed is not None else "",
            moments=[(clock(moment.at), moment) for moment in moments(story)],
            timeline=timeline,
            chart_data=Markup(timeline.data),
            marks=MARKS,
            states=charts.STATES,
            spans=_spans(story),
            queries=transcript.queries(story),
            transcript=transcript.books(story),
            started=utc(story.start) if story.start else "not started",
            manifest=json.dumps(story.manifest, indent=2, ensure_ascii=False),
        )
    )


@cache
def environment() -> jinja2.Environment:
    """Where the page's parts are found; whatever they are given is text."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


@cache
def part(name: str) -> Markup:
    """A part of the page that is no template."""
    return Markup((PAGE / name).read_text(encoding="utf-8"))


def _spans(story: Story) -> list[tuple[str, str]]:
    """What the charts can be asked to show: each fault with a little before and after."""
    played = [(fault.injected, fault) for fault in story.faults if fault.injected is not None]
    return [
        (fault.name, f"{injected - story.start - 10:.1f},{fault.ended - story.start + 10:.1f}")
        for injected, fault in sorted(played, key=lambda pair: pair[0])
    ]
