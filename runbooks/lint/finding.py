"""Finding: one thing that lint has to say of a page, or of an alert: where, which rule, and how bad that is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from flashcrowd.errors import Problem


class Severity(StrEnum):
    """error: what the page says can't work as it stands. warning: doubtful; people judge."""

    ERROR = "error"
    WARNING = "warning"


E, W = Severity.ERROR, Severity.WARNING
RULES: dict[str, tuple[Severity, str]] = {
    "format": (E, "a page, or a file of rules, that isn't well formed"),
    "timeout": (E, "a step that changes the platform or waits, without a timeout of its own"),
    "shell": (E, "a script that /bin/sh can't read"),
    "command": (W, "a command that isn't on PATH here"),
    "link": (E, "a link to a file, heading or definition that isn't there"),
    "web": (E, "a link to a page of the web that is gone"),
    "web-unanswered": (W, "a link to a host that gives no answer now"),
    "unknown-alert": (E, "a page for an alert that no rule raises"),
    "unknown-slo": (E, "a page for an SLO that there is none of"),
    "unknown-runbook": (E, "an alert whose runbook isn't there"),
    "no-alert": (W, "a page that no alert leads to"),
    "no-runbook": (W, "an alert without a runbook"),
    "one-sided": (W, "a page and an alert of which only one names the other"),
    "query-refused": (E, "a query that the server refuses"),
    "query-nothing": (W, "a query for what the server doesn't have"),
    "not-rehearsed": (W, "a page that was never followed against a fault"),
    "rehearsal-failed": (W, "a page whose last rehearsal didn't end in recovery"),
    "rehearsal-old": (W, "evidence older than its limit"),
    "rehearsal-other": (W, "evidence made for another version of plan, rules, target or page"),
}
"""Every rule: how bad it is, and what it finds."""


@dataclass(frozen=True)
class Finding:
    """One thing found. rule: one of RULES."""

    rule: str
    problem: Problem

    @property
    def severity(self) -> Severity:
        return RULES[self.rule][0]

    def __str__(self) -> str:
        found = self.problem
        words = (["warning"] if self.severity is Severity.WARNING else []) + [found.path, found.message]
        return f"{replace(found, path='', message=': '.join(filter(None, words)))} [{self.rule}]"


def finding(rule: str, file: Path, line: int, message: str, path: str = "") -> Finding:
    """A finding at a place; line 0 is the whole file."""
    return Finding(rule, Problem(file, line, path, message))
