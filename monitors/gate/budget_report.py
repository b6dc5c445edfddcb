"""Budget report: what is left of the budgets, as a table for people, JSON, JUnit XML and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flashcrowd.junit import Case, suite
from flashcrowd.units import format_duration
from flashcrowd.verdict import Outcome, Verdict
from monitors.budget import Budget
from monitors.figures import exact_percent
from monitors.gate.report import span

HEADINGS = ("SLO", "objective", "left", "burn", "at this burn", "verdict")


def verdict(budgets: Sequence[Budget]) -> Verdict:
    """All budgets as one verdict."""
    return Verdict(tuple(one.finding() for one in budgets))


def table(budgets: Sequence[Budget], width: int = 80) -> str:
    """The table and its sentence. A doubt that doesn't fit beside its row stands below it."""
    rows = [HEADINGS, *(_cells(one) for one in budgets)]
    sizes = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [_line(HEADINGS, sizes)]
    for cells, one in zip(rows[1:], budgets, strict=True):
        line, remark = _line(cells, sizes), _remark(one)
        beside = f"{line:<{sum(sizes) + 2 * len(sizes)}}{remark}".rstrip()
        lines += [beside] if len(beside) <= width else [line.rstrip(), " " * (sizes[0] + 2) + remark]
    return "\n".join([*(line.rstrip() for line in lines), "", sentence(budgets)])


def sentence(budgets: Sequence[Budget]) -> str:
    """What it comes to: `fail: 1 of 3 budgets is overspent, over the last 30 d`."""
    outcome = verdict(budgets).outcome
    same = sum(one.outcome is outcome for one in budgets)
    what = {
        Outcome.PASS: "has something left" if same == 1 else "have something left",
        Outcome.FAIL: "is overspent" if same == 1 else "are overspent",
        Outcome.INCONCLUSIVE: "can't be judged",
    }[outcome]
    noun = "budget" if len(budgets) == 1 else "budgets"
    over = f", over the last {span(budgets[0].period)}" if budgets else ""
    return f"{outcome.value}: {same} of {len(budgets)} {noun} {what}{over}"


def as_dict(budgets: Sequence[Budget], period: float, burn_window: float, at: float) -> dict[str, Any]:
    """A JSON document. period, burn_window: seconds; at: their end, unix seconds."""
    return {
        "outcome": verdict(budgets).outcome.value,
        "period_seconds": period,
        "burn_window_seconds": burn_window,
        "at": at,
        "budgets": [one.as_dict() for one in budgets],
    }


def junit(budgets: Sequence[Budget], period: float) -> str:
    """JUnit XML with a case for each budget, below its service."""
    cases = [Case(one.slo.service, one.slo.name, one.outcome, one.message) for one in budgets]
    return suite(f"flashcrowd slo check --budget {format_duration(period)}", cases)


def markdown(budgets: Sequence[Budget]) -> str:
    """A table for a pull request, its sentence first."""
    first, _, rest = sentence(budgets).partition(":")
    lines = [f"**{first}**:{rest}", "", f"| {' | '.join(HEADINGS)} | |", "|---|--:|--:|--:|---|---|---|"]
    lines += [f"| {' | '.join((*_cells(one), _remark(one)))} |" for one in budgets]
    return "\n".join(lines) + "\n"


def _cells(one: Budget) -> tuple[str, ...]:
    return (
        one.slo.name,
        exact_percent(one.slo.objective / 100),
        one.left_text,
        one.burn_text,
        one.when,
        one.outcome.value,
    )


def _line(cells: Sequence[str], sizes: Sequence[int]) -> str:
    return "  ".join(
        f"{cell:>{size}}" if column in (2, 3) else f"{cell:<{size}}"
        for column, (cell, size) in enumerate(zip(cells, sizes, strict=True))
    )


def _remark(one: Budget) -> str:
    """What the row doesn't say."""
    return "; ".join(one.remarks)
