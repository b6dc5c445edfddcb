"""Markdown: a report that fits a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flashcrowd.units import clock
from flashcrowd.verdict import Outcome, Verdict
from gamedays.coverage.section import section
from gamedays.judging import production
from gamedays.report import charts, detection, sentences, triad_table
from gamedays.report.moments import moments
from gamedays.report.uncovered import uncovered
from gamedays.story.story import Story

PICTURE = "timeline.svg"
"""The charts beside a report in Markdown."""

SIGNS = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "❔"}


def write(story: Story, verdict: Verdict) -> str:
    """The report as GitHub-flavoured Markdown."""
    load = story.plan.spec.load
    parts = [
        f"# {SIGNS[verdict.outcome]} {plain(story.plan.name)}: {verdict.outcome}",
        plain(sentences.headline(story, verdict)),
        f"{load.viewers:,} viewers · {plain(story.target_name)} · {sentences.length(story)}"
        + (f" · control `{story.control}`" if story.control else ""),
        "## Timeline",
        *_picture(story),
        table(("at", "what", ""), [(clock(m.at), m.label, m.text) for m in moments(story)]),
        "## Objectives",
        table(
            ("objective", "wanted", "held", "outside the fault", "during it"),
            [(r.name, r.wanted, r.held, r.outside.value, r.during) for r in sentences.objectives(story, verdict)],
        ),
        *_triads(story),
        *_detection(story),
        *([f"**Phases** {told}"] if (told := sentences.phases(story)) else []),
        *_coverage(story),
        f"**Orders** {sentences.orders(story)}  \n**Crowd** {sentences.crowd(story)}",
        "## Findings",
        table(
            ("", "finding", ""),
            [(SIGNS[f.outcome], f"`{f.name}`", f.message) for f in verdict.findings],
        ),
        f"**Next** {sentences.next_step(story, verdict)}",
    ]
    return "\n\n".join(parts) + "\n"


def _triads(story: Story) -> list[str]:
    """What became of each fault, and what its controls show; nothing where nothing was expected of any."""
    rows = triad_table.rows(story)
    if not rows:
        return []
    played = [name for name, _ in rows[0].shown]
    head = ("triad", "way", *triad_table.TIMES, *played, "credit")
    told = [(r.fault, r.way, *r.times, *(said for _, said in r.shown), r.credit) for r in rows]
    return ["## Triads", table(head, told), plain(f"{triad_table.NOTE} {triad_table.summary(story)}")]


def _coverage(story: Story) -> list[str]:
    """What was left untried; the triads are what was tried."""
    lines = [f"- {what}: {plain(names)}" for what, names in uncovered(section(story))]
    return ["## Not covered", "\n".join(lines)] if lines else []


def _picture(story: Story) -> list[str]:
    """The charts, as they stand beside this file; nothing where there is nothing to draw."""
    return [f"![the charts of this run: {PICTURE} of its run directory]({PICTURE})"] if charts.picture(story) else []


def _detection(story: Story) -> list[str]:
    """When each fault was noticed, live and in production; nothing where it was not replayed."""
    found = production.load(story.run)
    rows = detection.rows(found)
    if found is None or not rows:
        return []
    found_rows = [(row.fault, row.slo, row.live, row.production, row.why) for row in rows]
    return ["## Detection", table((*detection.HEAD, "why"), found_rows), plain(detection.note(found))]


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table; texts are escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in lines)


def _cell(text: str) -> str:
    """A text inside a table; a code span of ours holds names alone, which need no more than this."""
    return (text if text.startswith("`") else plain(text)).replace("|", "\\|")


def plain(text: str) -> str:
    """A text that says on the page what it says here: no tag, no emphasis, no link, on one line."""
    return re.sub(r"([\\<*\[`])", r"\\\1", " ".join(text.split()))
