"""Transcript: every runbook that was followed, step by step: what was asked or done, what came of it, who let it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from flashcrowd.rundir import Event
from gamedays.report import sentences
from gamedays.story.facts import RunbookFact
from gamedays.story.story import Story

GOOD = ("done", "matched")
BAD = ("failed", "timed_out", "aborted", "refused")


@dataclass(frozen=True)
class StepRow:
    """A step. at: on the run's clock. tone: `pass`, `fail` or nothing, for its colour. what: query or request."""

    at: str
    section: str
    step: str
    state: str
    tone: str
    message: str
    what: str = ""
    output: str = ""
    decided: str = ""


@dataclass(frozen=True)
class Book:
    """A runbook that was followed. at, paged_by: when, and for which alert. audit: its file in the run directory."""

    name: str
    paged_by: str
    at: str
    outcome: str
    recovered: bool
    instead_of: str | None
    steps: tuple[StepRow, ...]

    @property
    def audit(self) -> str:
        return f"runbooks/{self.name}.jsonl"


def books(story: Story) -> list[Book]:
    """Every execution, in order of time."""
    return [_book(story, fact) for fact in story.runbooks]


def _book(story: Story, fact: RunbookFact) -> Book:
    return Book(
        name=fact.name,
        paged_by=fact.alert,
        at=sentences.position(story, fact.started),
        outcome=fact.outcome.replace("_", " "),
        recovered=fact.outcome == "recovered",
        instead_of=fact.instead_of,
        steps=tuple(_steps(story, fact.steps)),
    )


def _steps(story: Story, events: Iterable[Event]) -> Iterator[StepRow]:
    """A row for each end; one that never ended, as the run was cut off, says so."""
    begun: dict[str, StepRow] = {}
    decided: dict[str, str] = {}
    for event in events:
        data = event.data
        step = str(data.get("step", ""))
        if event.kind == "step_decision":
            decided[step] = str(data.get("decision", ""))
        elif event.kind == "step_start":
            begun[step] = _row(story, event, "not ended", decided.pop(step, ""))
        elif event.kind in ("step_end", "step_skipped"):
            row = begun.pop(step, None)
            ended = _row(story, event, str(data.get("state", "skipped")), row.decided if row else "")
            yield replace(ended, at=row.at, what=row.what) if row is not None else ended
    yield from begun.values()


def _row(story: Story, event: Event, state: str, decided: str) -> StepRow:
    data = event.data
    return StepRow(
        at=sentences.position(story, event.time),
        section=str(data.get("section", "")),
        step=str(data.get("step", "")),
        state=state.replace("_", " "),
        tone="pass" if state in GOOD else "fail" if state in BAD else "",
        message=str(data.get("message", "")),
        what=str(data.get("what", "")),
        output=str(data.get("output", "")),
        decided=decided,
    )
