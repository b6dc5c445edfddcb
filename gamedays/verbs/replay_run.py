"""Replay run: `slo replay`, from a run directory to two figures for each fault and objective, and an exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flashcrowd.errors import ExitCode, InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.units import clock, parse_duration
from flashcrowd.verdict import Outcome, Verdict
from gamedays.judging import production
from gamedays.judging.production import Detection, Production
from gamedays.report import detection
from gamedays.report.terminal import WIDTH, wrap
from gamedays.story.story import Story, read_story


@dataclass(frozen=True)
class Replayed:
    """What a replay came to."""

    story: Story
    production: Production
    verdict: Verdict

    @property
    def exit_code(self) -> ExitCode:
        return self.verdict.outcome.exit_code

    def text(self, as_json: bool) -> str:
        """What goes to standard output: for people, or one JSON document."""
        if as_json:
            whole = {"run": str(self.story.run.path), **self.production.as_dict(), **self.verdict.as_dict()}
            return json.dumps(whole, indent=2, ensure_ascii=False)
        return "\n".join(_lines(self))


async def run(path: Path, policy: str, within: str | None) -> Replayed:
    """Replay a game day's run directory, and write what came of it into it.

    within: a duration; production has to page in it.

    Raises:
        InputError: not the run of a game day, no such policy, no duration.
        NeedError: Prometheus or promtool is missing or failed.
    """
    limit = None if within is None else _limit(within)
    story = read_story(RunDirectory.open(path))
    found = await production.save(story, policy)
    return Replayed(story, found, Verdict(tuple(detection.findings(found, limit))))


def _limit(within: str) -> float:
    try:
        return parse_duration(within)
    except ValueError as error:
        raise InputError(f"--within: {error}") from None


def _lines(done: Replayed) -> Iterator[str]:
    yield f"{done.story.run.name}: {done.verdict.outcome}"
    yield from wrap(detection.note(done.production), 2)
    for one in done.production.detections:
        yield ""
        yield from wrap(f"{one.fault} · {one.slo}", 4)
        yield from _figures(done.story, one)
    if not done.production.detections:
        yield "  No fault was injected, so there was nothing to notice."
    yield ""
    for finding in (one for one in done.verdict.findings if one.outcome is not Outcome.PASS):
        yield from wrap(f"{finding.outcome.upper()} {finding.name}: {finding.message}", 4)
    yield from wrap(f"Report   flashcrowd gameday report {done.story.run.path}", 11)


def _figures(story: Story, one: Detection) -> Iterator[str]:
    if one.onset is None and one.unknown is None:
        yield "    held: the fault did not spoil it"
        return
    if one.onset is not None and one.until is not None:
        start, end = clock(one.onset - story.start), clock(one.until - story.start)
        yield f"    bad          {start} to {end}, injected at {clock(one.injected - story.start)}"
    row = next(row for row in detection.rows(Production("", 0.0, (one,))))
    for name, text in (("live", row.live), ("production", row.production), ("why", row.why)):
        yield from (f"  {line}" for line in wrap(f"{name:<12} {text}", 15, WIDTH - 2))
