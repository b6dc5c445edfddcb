"""Gate report: what `slo check` found, as a table for people, JSON, JUnit XML and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flashcrowd.junit import Case, suite
from flashcrowd.units import SECONDS, format_duration
from flashcrowd.verdict import Outcome
from monitors.figures import count, exact_percent
from monitors.gate import baseline_report
from monitors.gate.baseline import fingerprint
from monitors.gate.baseline_report import Beside
from monitors.gate.check import Checked, verdict

HEADINGS = ("SLO", "objective", "held", "events", "verdict")
_UNITS = (("d", "d"), ("h", "h"), ("m", "min"), ("s", "s"))


def table(checked: Sequence[Checked], window_seconds: float, width: int = 80, beside: Beside | None = None) -> str:
    """The table and its sentence, those of the baseline too. A reason that doesn't fit beside its row stands below it.

    width: columns. Names longer than any sensible one make it wider.
    """
    rows = [HEADINGS, *(_cells(found) for found in checked)]
    sizes = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [_line(HEADINGS, sizes).replace(f"{'events':>{sizes[3]}}", f"{'events':<{sizes[3]}}")]
    for cells, found in zip(rows[1:], checked, strict=True):
        line, reason = _line(cells, sizes), _reason(found)
        short = f"{line:<{sum(sizes) + 2 * len(sizes)}}{reason}".rstrip()
        lines += [short] if len(short) <= width else [line.rstrip(), " " * (sizes[0] + 2) + reason]
    more, end = (["", *baseline_report.lines(beside)], [beside.sentence]) if beside is not None else ([], [])
    return "\n".join([*(line.rstrip() for line in lines), *more, "", sentence(checked, window_seconds), *end])


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


def as_dict(
    checked: Sequence[Checked], window_seconds: float, at: float, beside: Beside | None = None
) -> dict[str, Any]:
    """A JSON document. at: the end of the window, unix seconds."""
    return {
        "outcome": verdict(checked, beside.compared if beside else ()).outcome.value,
        "window_seconds": window_seconds,
        "at": at,
        "objectives": [{**judgement.as_dict(), "queries": fingerprint(slo)} for slo, judgement in checked],
        "baseline": None if beside is None else beside.as_dict(),
    }


def junit(checked: Sequence[Checked], window_seconds: float, beside: Beside | None = None) -> str:
    """JUnit XML with a case for each objective, below its service, and for each one beside the baseline."""
    cases = [Case(slo.service, slo.name, judgement.outcome, judgement.text) for slo, judgement in checked]
    cases += [
        Case("baseline", found.slo, found.outcome, found.message) for found in (beside.compared if beside else ())
    ]
    return suite(f"flashcrowd slo check {format_duration(window_seconds)}", cases)


def markdown(checked: Sequence[Checked], window_seconds: float, beside: Beside | None = None) -> str:
    """A table for a pull request, its sentence first; that of the baseline below."""
    lines = [_bold(sentence(checked, window_seconds)), *([_bold(beside.sentence)] if beside else [])]
    lines = ["  \n".join(lines), "", "| SLO | objective | held | events | verdict | |", "|---|--:|--:|--:|---|---|"]
    lines += [f"| {' | '.join(_escaped((*_cells(found), _reason(found))))} |" for found in checked]
    if beside is not None:
        lines += ["", f"| beside {beside.name} | |", "|---|---|"]
        lines += [f"| {' | '.join(_escaped((found.slo, found.message)))} |" for found in beside.compared]
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


def _bold(sentence: str) -> str:
    first, _, rest = sentence.partition(":")
    return f"**{first}**:{rest}"


def _escaped(cells: Sequence[str]) -> list[str]:
    """Cells in which a bar doesn't begin another one; a line break would end the table."""
    return [" ".join(cell.split()).replace("|", "\\|") for cell in cells]


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
