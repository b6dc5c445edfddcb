"""Fingerprint of a runbook: what a machine that follows it does, so that prose and evidence don't count."""

from __future__ import annotations

from typing import Any

from flashcrowd.fingerprint import fingerprint
from runbooks.model import ACTING, Heading, PromqlStep, Runbook, Step


def of_runbook(runbook: Runbook) -> str:
    """Twelve hex digits of the executable steps and their settings alone.

    Steps that only look are all taken, whatever the others find: their order doesn't count. How a query is laid out
    in lines doesn't either.
    """
    return fingerprint({heading.value: _steps(runbook, heading) for heading in Heading})


def _steps(runbook: Runbook, heading: Heading) -> list[dict[str, Any]]:
    steps = runbook.steps(heading)
    return [_step(step) for step in (steps if heading in ACTING else sorted(steps, key=lambda step: step.name))]


def _step(step: Step) -> dict[str, Any]:
    fields = {name: _plain(getattr(step, name)) for name in type(step).model_fields if name not in _ASIDE}
    if isinstance(step, PromqlStep):
        fields["query"] = " ".join(step.query.split())
    return {"kind": step.kind, **fields}


_ASIDE = frozenset({"section", "why", "line"})
"""Where a step stands on its page, and what is said of it."""


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | list | tuple | None) else str(value)
