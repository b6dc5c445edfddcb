"""Report: what lint found, as lines for people and editors, or as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flashcrowd.errors import ExitCode
from runbooks.lint.finding import Finding, Severity


@dataclass(frozen=True)
class Report:
    """All findings, in order of place. pages: how many were looked at. unasked: what nobody looked at, and the option
    that does. broken: why something that was asked for could not be looked at; then nothing is known of it."""

    findings: tuple[Finding, ...]
    pages: int
    unasked: tuple[str, ...] = ()
    broken: str = ""

    def count(self, severity: Severity) -> int:
        """How many findings are as bad as this."""
        return sum(found.severity is severity for found in self.findings)

    def exit_code(self, strict: bool) -> ExitCode:
        """What the command ends with. strict: warnings count as errors."""
        if self.broken:
            return ExitCode.NEED
        wrong = self.findings if strict else [one for one in self.findings if one.severity is Severity.ERROR]
        return ExitCode.INPUT if wrong else ExitCode.PASS

    def text(self, as_json: bool = False) -> str:
        """The whole report."""
        if as_json:
            return json.dumps(self.as_dict(), ensure_ascii=False, indent=2)
        return "\n".join([*map(str, self.findings), self.summary])

    @property
    def summary(self) -> str:
        """`6 runbooks: 1 error, 2 warnings`."""
        errors, warnings = (self.count(severity) for severity in Severity)
        pages = _many(self.pages, "runbook")
        return f"{pages}: " + (f"{_many(errors, 'error')}, {_many(warnings, 'warning')}" if self.findings else "clean")

    @property
    def notes(self) -> list[str]:
        """What is to be said beside the findings."""
        left = [f"not looked at: {'; '.join(self.unasked)}"] if self.unasked else []
        return [*left, *([self.broken] if self.broken else [])]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "pages": self.pages,
            "errors": self.count(Severity.ERROR),
            "warnings": self.count(Severity.WARNING),
            "findings": [_row(found) for found in self.findings],
            "not_looked_at": list(self.unasked),
            "broken": self.broken or None,
        }


def report(
    found: Collection[Finding], pages: int, ignored: Collection[str], unasked: Sequence[str], broken: str
) -> Report:
    """Findings in order, each once, without those of rules that are ignored."""
    told = {Finding(one.rule, replace(one.problem, file=_from_here(one.problem.file))) for one in found}
    kept = sorted((one for one in told if one.rule not in ignored), key=lambda one: (one.problem, one.rule))
    return Report(tuple(kept), pages, tuple(unasked), broken)


def _from_here(file: Path) -> Path:
    """As a person here would name it, where it stands below this folder."""
    return file.relative_to(Path.cwd()) if file.is_absolute() and file.is_relative_to(Path.cwd()) else file


def _row(found: Finding) -> dict[str, Any]:
    problem = found.problem
    place = {"file": str(problem.file), "line": problem.line or None, "path": problem.path or None}
    return {**place, "severity": found.severity.value, "rule": found.rule, "message": problem.message}


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
