"""Timeouts: steps that change the platform, or wait, say themselves how long they may take.

The default of 10 s is for looking. A script that restarts something is killed half-way by it, and a verification that
ends too early takes back a mitigation that was about to help.
"""

from __future__ import annotations

from collections.abc import Iterator

from runbooks.lint.finding import Finding, finding
from runbooks.model import Heading, PromqlStep, Runbook, Step

_ENDLESS = frozenset({"manual", "wait"})
"""A person takes the time that it takes; how long a wait is, is what it says."""


def findings(runbook: Runbook) -> Iterator[Finding]:
    """Steps that have to have a timeout of their own, and haven't."""
    for step in runbook:
        why = _why(step)
        if why and "timeout" not in step.model_fields_set and step.kind not in _ENDLESS:
            message = f'{step.name} {why}, and has 10s if it says nothing; write "timeout": "30s", say'
            yield finding("timeout", runbook.file, step.line, message, "timeout")


def _why(step: Step) -> str:
    if step.acts:
        return "changes the platform"
    looks_once = step.section in (Heading.FIRST, Heading.DIAGNOSIS)
    return "waits for what it expects" if isinstance(step, PromqlStep) and not looks_once else ""
