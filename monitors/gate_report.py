"""Gate report: what `slo check` found, as a table for people, JSON, JUnit XML and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flashcrowd.junit import Case, suite
from flashcrowd.units import SECONDS, format_duration
from flashcrowd.verdict import Outcome
from monitors.figures import count, exact_percent
from monitors.gate import Checked, verdict

HEADINGS = ("SLO", "objective", "held", "events", "verdict")
_UNITS = (("d", "d"), ("h", "h"), ("m", "min"), ("s", "s"))


def table(checked: Sequence[Checked], window_seconds: float, width: int = 80) -> str:
    """The table and its sentence. A reason that doesn't fit beside its row stands below it.

    width: columns. Names longer than any sensible one make it wider.
    """
    rows = [HEADINGS, *(_cells(found) for found in checked)]
    sizes = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [_line(HEADINGS, sizes).replace(f"{'events':>{sizes[3]}}", f"{'events':<{sizes[3]}}")]
    for cells, found in zip(rows[1:], checked, strict=True):
        line, reason = _line(cells, sizes), _reason(found)
        beside = f"{line:<{sum(sizes) + 2 * len(sizes)}}{reason}".rstrip()
        lines += [beside] if len(beside) <= width else [line.rstrip(), " " * (sizes[0] + 2) + reason]
    return "\n".join([*(line.rstrip() for line in lines), "", sentence(checked, window_seconds)])


def sentence(checked: Sequence[Checked], window_seconds: float) -> str:
    """What it comes to: `fail: 1 of 3 objectives was missed over the last 15 min`."""
    outcome = verdict(checked).outcome
    same = sum(judgement.outcome is outcome for _, judgement in checked)
    verb = "was" if same == 1 else "were"
    objectives = "objective" if len(checked) == 1 else "objectives"
    what = {
        Outcome.PASS: f"{same} of {len(checked)} {objectives} {verb} held",
        Outcome.FAIL: f"{same} of {len(checked)} {objectives} {verb} missed",
        Outcome.INCONCLUSIVE: f"{same} of {len(checked)} {objectives} can't be judged",
    }[outcome]
    return f"{outcome.value}: {what} over the last {span(window_seconds)}"


def as_dict(checked: Sequence[Checked], window_seconds: float, at: float) -> dict[str, Any]:
    """A JSON document. at: the end of the window, unix seconds."""
    return {
        "outcome": verdict(checked).outcome.value,
        "window_seconds": window_seconds,
        "at": at,
        "objectives": [judgement.as_dict() for _, judgement in checked],
    }


def junit(checked: Sequence[Checked], window_seconds: float) -> str:
    """JUnit XML with a case for each objective, below its service."""
    cases = [Case(slo.service, slo.name, judgement.outcome, judgement.text) for slo, judgement in checked]
    return suite(f"flashcrowd slo check {format_duration(window_seconds)}", cases)


def markdown(checked: Sequence[Checked], window_seconds: float) -> str:
    """A table for a pull request, its sentence first."""
    first, _, rest = sentence(checked, window_seconds).partition(":")
    lines = [f"**{first}**:{rest}", "", "| SLO | objective | held | events | verdict | |", "|---|--:|--:|--:|---|---|"]
    lines += [f"| {' | '.join((*_cells(found), _reason(found)))} |" for found in checked]
    return "\n".join(lines) + "\n"


def span(seconds: float) -> str:
    """A length of time in words of one unit where it can be: 900 → `15 min`."""
    for unit, word in _UNITS:
        if seconds >= SECONDS[unit] and seconds % SECONDS[unit] == 0:
            return f"{seconds / SECONDS[unit]:g} {word}"
    return format_duration(seconds)


def _cells(found: Checked) -> tuple[str, ...]:
    slo, judgement = found
    events = "-" if judgement.total is None else count(judgement.total)
    return slo.name, exact_percent(slo.objective / 100), judgement.held_text, events, judgement.outcome.value


def _line(cells: Sequence[str], sizes: Sequence[int]) -> str:
    name, objective, held, events, outcome = (
        f"{cell:>{size}}" if column == 3 else f"{cell:<{size}}"
        for column, (cell, size) in enumerate(zip(cells, sizes, strict=True))
    )
    return f"{name}  {objective}  {held}  {events}  {outcome}"


def _reason(found: Checked) -> str:
    """Why it isn't a plain pass."""
    judgement = found.judgement
    return "; ".join(judgement.notes) if judgement.outcome is Outcome.PASS else judgement.text
