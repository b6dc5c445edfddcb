"""Lint run: every rule that needs nothing but the pages themselves and this disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from runbooks.lint import alerts, commands, links, timeouts
from runbooks.lint.finding import Finding, finding
from runbooks.lint.pages import Page


def findings(pages: Sequence[Page]) -> list[Finding]:
    """What is wrong with pages. One that a rule can't cope with is said to be so; the others are looked at."""
    found = [fault for page in pages for fault in page.faults]
    for page in pages:
        for rule in (lambda one: timeouts.findings(one.runbook), links.findings):
            found += _guarded(page, rule)
    return [*found, *commands.findings(pages), *alerts.unled(pages)]


def _guarded(page: Page, rule: Callable[[Page], Iterable[Finding]]) -> list[Finding]:
    try:
        return list(rule(page))
    except RecursionError:
        return [finding("format", page.file, 0, "is nested too deeply to be looked through")]
