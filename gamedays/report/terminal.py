"""Terminal: the last screen of a game day, 80 columns, readable without colour."""

from __future__ import annotations

import textwrap

from flashcrowd.verdict import Outcome, Verdict
from gamedays.moments import moments
from gamedays.report import sentences
from gamedays.story import Story

WIDTH = 80


def write(story: Story, verdict: Verdict) -> str:
    """The whole story for somebody who has never seen it."""
    blocks = [
        _title(story, verdict),
        "\n".join(line for moment in moments(story) for line in _wrap(str(moment), 23)),
        _objectives(story, verdict),
        _facts(story, verdict),
        _findings(verdict),
        _next(story, verdict),
    ]
    return "\n\n".join(block for block in blocks if block)


def _title(story: Story, verdict: Verdict) -> str:
    target = story.target_name
    parts = [story.plan.name, target, f"{story.plan.spec.load.viewers:,} viewers", sentences.length(story)]
    left, right = " · ".join(parts), verdict.outcome.upper()
    title = left + " " * max(2, WIDTH - len(left) - len(right)) + right
    return title if story.control is None else f"{title}\ncontrol: {story.control}"


def _objectives(story: Story, verdict: Verdict) -> str:
    rows = [("Objective", "wanted", "held", "no fault", "under the fault")]
    rows += [(r.name, r.wanted, r.held, r.outside.value, r.during) for r in sentences.objectives(story, verdict)]
    return "\n".join(
        f"  {name:<20}{wanted:<8}{held:<10}{out:<14}{during}" for name, wanted, held, out, during in rows
    )


def _facts(story: Story, verdict: Verdict) -> str:
    lines = [f"Orders   {sentences.orders(story)}", f"Crowd    {sentences.crowd(story)}"]
    return "\n".join(line for text in lines for line in _wrap(text, 11))


def _findings(verdict: Verdict) -> str:
    """What was missed or can't be told; nothing when all is well."""
    bad = [*verdict.of(Outcome.FAIL), *verdict.of(Outcome.INCONCLUSIVE)]
    return "\n".join(
        line
        for finding in bad
        for line in _wrap(f"{finding.outcome.upper():<13} {finding.name}: {finding.message}", 16)
    )


def _next(story: Story, verdict: Verdict) -> str:
    lines = [f"Report   {story.run.path / 'report.html'}", f"Next     {sentences.next_step(story, verdict)}"]
    return "\n".join(line for text in lines for line in _wrap(text, 11))


def _wrap(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
