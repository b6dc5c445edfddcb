"""Terminal: the last screen of a game day, 80 columns, readable without colour."""

from __future__ import annotations

import textwrap

from flashcrowd.verdict import Outcome, Verdict
from gamedays.judging import production
from gamedays.report import detection, sentences, triad_table
from gamedays.report.lines import WIDTH, wrap
from gamedays.report.moments import moments
from gamedays.story.story import Story


def write(story: Story, verdict: Verdict) -> str:
    """The whole story for somebody who has never seen it."""
    blocks = [
        _title(story, verdict),
        "\n".join(line for moment in moments(story) for line in wrap(str(moment), 23)),
        _objectives(story, verdict),
        _triads(story),
        _facts(story, verdict),
        _findings(verdict),
        _next(story, verdict),
    ]
    return "\n\n".join(block for block in blocks if block)


def _title(story: Story, verdict: Verdict) -> str:
    parts = [story.plan.name, story.target_name, f"{story.plan.spec.load.viewers:,} viewers", sentences.length(story)]
    right = verdict.outcome.upper()
    first, *more = textwrap.wrap(" · ".join(parts), WIDTH - len(right) - 2, break_on_hyphens=False)
    lines = [f"{first:<{WIDTH - len(right)}}{right}", *more]
    return "\n".join(lines if story.control is None else [*lines, f"control: {story.control}"])


def _objectives(story: Story, verdict: Verdict) -> str:
    """A row an SLO; what doesn't fit beside it stands below it."""
    found = sentences.objectives(story, verdict)
    rows = [("Objective", "wanted", "held", "outside", "during the fault")]
    rows += [(row.name, row.wanted, row.held, row.outside.value, row.during) for row in found]
    sizes = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for *cells, during in rows:
        line = "  ".join(["", *(f"{cell:<{size}}" for cell, size in zip(cells, sizes, strict=True))])
        lines += [f"{line}  {during}"] if len(line) + 2 + len(during) <= WIDTH else [line.rstrip(), f"    {during}"]
    return "\n".join(line.rstrip() for line in lines)


def _triads(story: Story) -> str:
    """The table of triads, where there are several or their controls were played; one alone is in the timeline."""
    found = triad_table.rows(story)
    if not found or not (story.controls or len(found) > 1):
        return ""
    said = wrap(triad_table.summary(story), 2) if story.controls else []
    return "\n".join([*triad_table.lines(found), *said])


def _facts(story: Story, verdict: Verdict) -> str:
    lines = [f"Noticed  {text}" for text in detection.sentences(production.load(story.run))]
    lines += [f"Phases   {told}"] if (told := sentences.phases(story)) else []
    lines += [f"Orders   {sentences.orders(story)}", f"Crowd    {sentences.crowd(story)}"]
    if (left := sentences.left_in_place(story)) is not None:
        lines.append(f"Left     {left}")
    return "\n".join(line for text in lines for line in wrap(text, 11))


def _findings(verdict: Verdict) -> str:
    """What was missed or can't be told; nothing when all is well."""
    bad = [*verdict.of(Outcome.FAIL), *verdict.of(Outcome.INCONCLUSIVE)]
    return "\n".join(
        line for finding in bad for line in wrap(f"{finding.outcome.upper():<13} {finding.name}: {finding.message}", 16)
    )


def _next(story: Story, verdict: Verdict) -> str:
    lines = [f"Report   {story.run.path / 'report.html'}", f"Next     {sentences.next_step(story, verdict)}"]
    return "\n".join(line for text in lines for line in wrap(text, 11))


__all__ = ["WIDTH", "wrap", "write"]
