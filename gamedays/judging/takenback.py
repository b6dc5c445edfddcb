"""Taken back: whether runbooks could be undone once their faults had healed; a way in alone is half a one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flashcrowd.verdict import Finding, Outcome
from gamedays.story.story import Story

NAME = "taken-back"


def findings(story: Story) -> Iterator[Finding]:
    """One finding for each runbook that put something in place. What a later try took back isn't left any more."""
    for name in dict.fromkeys(event.data["runbook"] for event in story.stood_down):
        left, done = dict[str, dict[str, Any]](), list[str]()
        for data in (event.data for event in story.stood_down if event.data["runbook"] == name):
            for step in data.get("taken_back", ()):
                done.append(step)
                left.pop(step, None)
            left |= dict.fromkeys(data.get("left", ()), data)
        if left:
            last = list(left.values())[-1]
            message = f"{', '.join(left)} could not be taken back: {last['message']}; by hand: {last['by_hand']}"
            yield Finding(f"runbook/{name}/{NAME}", Outcome.FAIL, message)
        elif done:
            message = f"{', '.join(dict.fromkeys(done))} taken back after its fault had healed"
            yield Finding(f"runbook/{name}/{NAME}", Outcome.PASS, message)
