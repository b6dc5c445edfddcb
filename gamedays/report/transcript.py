"""Transcript: every runbook that was followed, step by step, and the queries that the figures were asked with."""

from __future__ import annotations

from typing import Any

from gamedays.extracts import CHARTS, WINDOW
from gamedays.report import sentences
from gamedays.story import Story


def queries(story: Story) -> list[tuple[str, str]]:
    """What every figure was asked with: name and PromQL."""
    asked = [(f"{chart.panel}, {chart.series}", chart.query) for chart in CHARTS]
    for slo in story.slos:
        asked.append((f"{slo.name}, bad per second", slo.bad_query(WINDOW)))
        asked.append((f"{slo.name}, all per second", slo.total_query(WINDOW)))
    return asked


def books(story: Story) -> list[dict[str, Any]]:
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
