"""Judged: the findings of a verdict for a page, by what they are about, the worst first, each with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flashcrowd.units import clock, utc
from flashcrowd.verdict import Finding, Outcome, Verdict, merge
from gamedays.report import reproduce
from gamedays.report.reproduce import Source
from gamedays.story.story import Story

GROUPS = {
    "load": "The load",
    "run": "The run",
    "crowd": "The crowd: can its measurements be trusted?",
    "fault": "Faults: did they bite, and are they healed?",
    "slo": "Objectives while nothing was broken",
    "expect": "What was expected under each fault",
    "production": "Detection in production",
    "drift": "Drift: what grew while nothing changed",
    "runbook": "Runbooks",
    "control": "Controls: what helped?",
    "invariant": "Invariants: what viewers saw beside what the target stored",
}
ORDER = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True)
class Row:
    """A finding. slug: its place in the page. evidence: names and values, as texts. orders: those it names, as JSON."""

    finding: Finding
    slug: str
    evidence: tuple[tuple[str, str], ...]
    orders: list[Any]
    source: Source


@dataclass(frozen=True)
class Group:
    title: str
    outcome: Outcome
    rows: tuple[Row, ...]


def groups(story: Story, verdict: Verdict) -> list[Group]:
    """All findings of a game day, in the order of GROUPS; those of a kind that it doesn't know come last."""
    return _grouped(verdict, story.start, lambda finding: reproduce.source(story, finding))


def of_load(verdict: Verdict, start: float) -> list[Group]:
    """All findings of a load alone."""
    return _grouped(verdict, start, reproduce.of_load)


def _grouped(verdict: Verdict, start: float, source: Callable[[Finding], Source]) -> list[Group]:
    found: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        found.setdefault(finding.name.partition("/")[0], []).append(finding)
    names = [*(name for name in GROUPS if name in found), *(name for name in found if name not in GROUPS)]
    made = []
    for name in names:
        ordered = sorted(found[name], key=lambda finding: ORDER.index(finding.outcome))
        rows = tuple(_row(finding, start, source(finding)) for finding in ordered)
        made.append(Group(GROUPS.get(name, name.capitalize()), merge(one.outcome for one in ordered), rows))
    return made


def slug(name: str) -> str:
    """A finding's place in the page."""
    return "finding-" + "".join(letter if letter.isalnum() else "-" for letter in name)


def _row(finding: Finding, start: float, source: Source) -> Row:
    told = tuple((name.replace("_", " "), _text(start, name, value)) for name, value in _flat(finding.evidence))
    orders = finding.evidence.get("orders")
    return Row(finding, slug(finding.name), told, orders if isinstance(orders, list) else [], source)


def _flat(evidence: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The plain values; orders have a place of their own, and other lists are too long for a line."""
    return [
        (name, value) for name, value in evidence.items() if value not in (None, []) and not isinstance(value, list)
    ]


def _text(start: float, name: str, value: Any) -> str:
    if name.endswith("_at") and isinstance(value, int | float) and value > start > 0:
        return f"{clock(value - start)} ({utc(value)})"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
