"""Recorded: what the display showed at an instant of a run, from its run directory. For pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from flashcrowd.rundir import Event
from gamedays.judging.sli import Sli
from gamedays.planning.checks import CONTROLS
from gamedays.screen.figures import KEPT, WINDOW, Figures
from gamedays.screen.layout import View
from gamedays.screen.state import State
from gamedays.story.story import Story


def view(story: Story, at: float) -> View:
    """What was known at a unix time; figures by the second, as the run's extracts have them."""
    state = State()
    for event in story.events:
        if event.time <= at:
            state = state.after(event)
    control = next((known for known in CONTROLS if known == story.control), None)
    return View(story.plan, story.slos, control, state, _figures(story, at), at)


def telling(story: Story) -> float:
    """The unix time at which most is to be seen: what was done about the first page is being verified.

    Without it, just after the page, the fault's injection, or the middle of the run.
    """
    done = [event.time for event in _events(story, "runbook", "step_end") if event.data.get("section") == "Mitigation"]
    over = [event.time for event in _events(story, "runbook", "ended") if done and event.time >= done[0]]
    if over:
        return done[0] + (over[0] - done[0]) * 0.6
    noted = [*_events(story, "alert", "page"), *_events(story, "fault", "injected")]
    return noted[0].time + 1.0 if noted else (story.start + story.end) / 2


def _events(story: Story, source: str, kind: str) -> list[Event]:
    return [event for event in story.events if (event.source, event.kind) == (source, kind)]


def _figures(story: Story, at: float) -> Figures:
    seconds = [at - back for back in range(min(KEPT, math.ceil(max(0.0, at - story.start))) - 1, -1, -1)]
    good = {slo.name: tuple(_good(story.sli(slo.name), second) for second in seconds) for slo in story.slos}
    viewers = _together(story, "Viewers", seconds, "connected")
    return Figures(viewers, _together(story, "Orders", seconds), _together(story, "Comments", seconds), good)


def _together(story: Story, panel: str, seconds: Sequence[float], only: str | None = None) -> tuple[float, ...]:
    """The series of a panel, or one of them, together by the second; empty when the run has none."""
    shown = [chart for chart in story.charts if chart["panel"] == panel and only in (None, chart["series"])]
    series = [dict(chart["points"]) for chart in shown]
    if not any(series):
        return ()
    known = [{math.floor(time): value for time, value in one.items() if math.isfinite(value)} for one in series]
    return tuple(sum(one.get(math.floor(second), 0.0) for one in known) for second in seconds)


def _good(sli: Sli, second: float) -> float | None:
    tally = sli.tally([(second - WINDOW, second)])
    return 1 - min(1.0, tally.bad / tally.total) if tally.total else None
