"""Text: a comparison on a terminal, 80 columns, readable without colour; the most important first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from flashcrowd.units import about
from gamedays.comparison.compared import Compared
from gamedays.comparison.row import Call, Row
from gamedays.comparison.trend import Trend
from gamedays.comparison.weighed import percent
from gamedays.report.terminal import WIDTH, wrap

FIGURE = 12
NAME = WIDTH - 2 * FIGURE - 6
BORING = ("invariants", "requests", "generator")
"""Groups of which the same is worth a number, and no more."""

MOST_CHANGES = 8
MOST_BARS = 20


def write(found: Compared) -> str:
    """The whole comparison."""
    blocks = [
        _title(found),
        "\n".join(wrap(found.headline, 2)),
        *(_rows(call, found.of(call)) for call in (Call.WORSE, Call.BETTER, Call.UNTOLD)),
        _same(found.of(Call.SAME)),
        _notes(found),
        _trend(found.trend),
    ]
    return "\n\n".join(block for block in blocks if block)


def note(found: Compared) -> str:
    """What a difference had to exceed."""
    granted = f"{percent(found.tolerance.ratio)} of a figure, {about(found.tolerance.seconds)} of a time"
    return f"A change exceeds chance (2.5 % a side, Holm), the step of measurement and the tolerance: {granted}."


def _title(found: Compared) -> str:
    word, plan = found.outcome.upper(), found.now.story.plan.name
    first = f"{plan}, compared"
    lines = [f"{first:<{WIDTH - len(word)}}{word}"]
    for label, runs in (("before", found.before), ("now", (found.now,))):
        for run in runs:
            control = f" (control: {run.story.control})" if run.story.control else ""
            lines += wrap(f"{label:<8} {run.name}{control}", 11)
    return "\n".join(lines)


def _rows(call: Call, rows: Sequence[Row]) -> str:
    """Each with its reason; those that can't be told for one reason together."""
    if not rows:
        return ""
    lines = [_head(str(call))]
    for place, row in enumerate(rows):
        lines += _line(f"{row.key.group}: {row.key.name}", row.before, row.now)
        if place == len(rows) - 1 or rows[place + 1].why != row.why:
            lines += [f"    {line}" for line in wrap(row.why, 2, WIDTH - 4)]
    return "\n".join(lines)


def _same(rows: Sequence[Row]) -> str:
    shown = [row for row in rows if row.key.group not in BORING]
    if not rows:
        return ""
    lines = [_head("same within chance and tolerance")]
    for row in shown:
        lines += _line(f"{row.key.group}: {row.key.name}", row.before, row.now)
    others = Counter(row.key.group for row in rows if row.key.group in BORING)
    if others:
        told = ", ".join(f"{count} of {group}" for group, count in others.items())
        lines += wrap(f"and {told}", 6)
    return "\n".join(lines)


def _head(text: str) -> str:
    return f"  {text:<{NAME}}  {'before':>{FIGURE}}{'now':>{FIGURE}}"


def _line(name: str, *figures: str) -> Iterator[str]:
    """A name and its figures, below it where it is too long."""
    first, *more = wrap(name, 6, NAME + 2)
    cells = "".join(f"{figure:>{FIGURE}}" for figure in figures)
    lines = [first, *more]
    yield from lines[:-1]
    yield f"{lines[-1]:<{NAME + 4}}{cells}"


def _notes(found: Compared) -> str:
    lines = [f"Warning  {text}" for text in found.warnings]
    shown = found.changes[:MOST_CHANGES]
    lines += [f"Differs  {change}" for change in shown]
    if len(found.changes) > len(shown):
        lines.append(f"Differs  and {len(found.changes) - len(shown)} more; --json has them")
    if not found.changes and found.rows:
        lines.append("Differs  nothing in plan, target, objectives, versions and machine")
    return "\n".join(line for text in [*lines, f"Method   {note(found)}"] for line in wrap(text, 11))


def _trend(found: Trend) -> str:
    """A bar a run; of two runs there is none."""
    if len(found.points) < 3:
        return ""
    points = found.points[-MOST_BARS:]
    span = f"{points[0].label} to {points[-1].label}"
    lines = [*wrap(f"trend of {len(found.points)} runs, oldest first, {span} UTC", 4)]
    for one in found.series:
        if one.key.group not in BORING:
            lines += _bars(f"{one.key.group}: {one.key.name}", one.sparkline[-MOST_BARS:], one.texts[-MOST_BARS:])
    return "\n".join(lines)


def _bars(name: str, bars: str, texts: Iterable[str]) -> Iterator[str]:
    first, *_, last = texts
    yield from wrap(name, 6)
    yield f"      {bars:<{MOST_BARS}}  {first} → {last}"
