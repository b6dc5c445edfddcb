"""HTML: the report that one brings to the go/no-go meeting; one file, offline, readable without its script."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from flashcrowd.units import clock, utc
from flashcrowd.verdict import Outcome, Verdict
from gamedays.coverage.section import section
from gamedays.judging import production
from gamedays.report import (
    charts,
    detection,
    effects,
    judged,
    paper,
    sentences,
    surroundings,
    tiles,
    transcript,
    triad_table,
)
from gamedays.report.charts import live
from gamedays.report.moments import moments
from gamedays.report.uncovered import uncovered
from gamedays.story.story import Story

WHY = 4
"""Findings that the first screen names."""


def write(story: Story, verdict: Verdict) -> str:
    """The report as one HTML page."""
    return paper.render(
        "report.html.j2",
        story=story,
        verdict=verdict,
        **_first(story, verdict),
        **_timeline(story),
        **_objectives(story, verdict),
        groups=judged.groups(story, verdict),
        books=transcript.books(story),
        coverage=(covered := section(story)),
        uncovered=uncovered(covered),
        **_measured(story, verdict),
    )


def _first(story: Story, verdict: Verdict) -> dict[str, Any]:
    """Did it pass, what broke, who noticed when, what helped, what to do next."""
    return {
        "headline": sentences.headline(story, verdict),
        "next_step": sentences.next_step(story, verdict),
        "why": [*verdict.of(Outcome.FAIL), *verdict.of(Outcome.INCONCLUSIVE)],
        "shown_why": WHY,
        "length": sentences.length(story),
        "started": utc(story.start) if story.start else "not started",
        "effects": effects.effects(story),
        "unexplained": effects.unexplained(story),
        "tiles": tiles.tiles(story, verdict),
    }


def _timeline(story: Story) -> dict[str, Any]:
    timeline, told = charts.draw(story), moments(story)
    return {
        "timeline": timeline,
        "chart_data": Markup(timeline.data),
        "vega": Markup(live.vega()) if timeline.charts else "",
        "marks": charts.marks_of({moment.kind for moment in told}),
        "states": charts.STATES,
        "spans": effects.spans(story),
        "moments": [(clock(moment.at), moment) for moment in told],
    }


def _objectives(story: Story, verdict: Verdict) -> dict[str, Any]:
    replayed = production.load(story.run)
    return {
        "objectives": sentences.objectives(story, verdict),
        "triads": triad_table.rows(story),
        "triad_times": triad_table.TIMES,
        "triad_note": f"{triad_table.NOTE} {triad_table.summary(story)}",
        "detections": detection.rows(replayed),
        "detection_note": detection.note(replayed) if replayed is not None else "",
    }


def _measured(story: Story, verdict: Verdict) -> dict[str, Any]:
    return {
        "facts": surroundings.facts(story),
        "limits": surroundings.limits(story, verdict),
        "files": surroundings.FILES,
        "queries": surroundings.queries(story),
        "manifest": json.dumps(story.manifest, indent=2, ensure_ascii=False),
    }
