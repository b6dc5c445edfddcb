"""HTML: the report that one brings to the go/no-go meeting; one file, offline, no script in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2

from flashcrowd.units import clock, utc
from flashcrowd.verdict import Outcome, Verdict
from gamedays import production
from gamedays.extracts import CHARTS, WINDOW
from gamedays.moments import moments
from gamedays.report import charts, detection, sentences, triad_table
from gamedays.story import Story

WORDS = {Outcome.PASS: "Pass", Outcome.FAIL: "Fail", Outcome.INCONCLUSIVE: "Inconclusive"}
LEGEND = {
    "fault": "fault in place",
    "sale": "sale opens",
    "page": "page",
    "runbook": "runbook starts",
    "recovered": "recovered",
}


def write(story: Story, verdict: Verdict) -> str:
    """The report as one HTML page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    replayed = production.load(story.run)
    return environment.get_template("page.html.j2").render(
        story=story,
        verdict=verdict,
        word=WORDS[verdict.outcome],
        words=WORDS,
        headline=sentences.headline(story, verdict),
        next_step=sentences.next_step(story, verdict),
        length=sentences.length(story),
        orders=sentences.orders(story),
        crowd=sentences.crowd(story),
        objectives=sentences.objectives(story, verdict),
        triads=triad_table.rows(story),
        triad_times=triad_table.TIMES,
        triad_note=f"{triad_table.NOTE} {triad_table.summary(story)}",
        detections=detection.rows(replayed),
        detection_head=detection.HEAD,
        detection_note=detection.note(replayed) if replayed is not None else "",
        moments=[(clock(moment.at), moment) for moment in moments(story)],
        timeline=charts.timeline(story),
        legend=[(charts.COLOURS[kind], text) for kind, text in LEGEND.items()],  # type: ignore[index]
        queries=_queries(story),
        transcript=_transcript(story),
        started=utc(story.start) if story.start else "not started",
        manifest=json.dumps(story.manifest, indent=2, ensure_ascii=False),
    )


def _queries(story: Story) -> list[tuple[str, str]]:
    """What every figure was asked with: name and PromQL."""
    asked = [(f"{chart.panel}, {chart.series}", chart.query) for chart in CHARTS]
    for slo in story.slos:
        asked.append((f"{slo.name}, bad per second", slo.bad_query(WINDOW)))
        asked.append((f"{slo.name}, all per second", slo.total_query(WINDOW)))
    return asked


def _transcript(story: Story) -> list[dict[str, Any]]:
    """Every runbook that was followed, with what each step found or did."""
    return [
        {
            "name": fact.name,
            "alert": fact.alert,
            "at": sentences.position(story, fact.started),
            "outcome": fact.outcome.replace("_", " "),
            "steps": [
                {"at": sentences.position(story, event.time), **event.data}
                for event in fact.steps
                if event.kind == "step_end"
            ],
        }
        for fact in story.runbooks
    ]
