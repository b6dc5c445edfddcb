"""Evidence: whether a page was followed against a real fault, not too long ago, and as it stands now.

What it was made for is told by fingerprints; who can't read the plan any more can't tell that it is still the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from flashcrowd.units import format_duration
from runbooks.lint.finding import Finding, finding
from runbooks.lint.pages import Page
from runbooks.model import Rehearsal

LIMIT = 90 * 86_400.0
"""Seconds after which evidence is old, where a page says nothing else (`rehearse_every`)."""
_CLOCKS_DIFFER = 300.0
_WHAT = {
    "runbook": "the steps of this page have changed since",
    "plan": "its plan has changed since",
    "rules": "the SLOs that paged have changed since",
    "target": "the target has changed since",
}


@dataclass(frozen=True)
class Present:
    """What there is now. fingerprints: of `runbook`, `plan`, `rules`, `target`, those that are known. unknown: why the
    others aren't, one sentence, or nothing."""

    fingerprints: Mapping[str, str]
    unknown: str = ""


def findings(page: Page, present: Present, now: float) -> Iterator[Finding]:
    """What is wrong with a page's evidence. now: unix seconds."""
    if not page.has_front:
        return
    evidence, every = page.runbook.front.rehearsed, page.runbook.front.rehearse_every
    if evidence is None:
        message = "was never rehearsed: nobody knows whether it helps; play it in a game day"
        yield finding("not-rehearsed", page.file, 0, message)
        return
    for rule, message in (*_outcome(evidence, every or LIMIT, now), *_versions(evidence, present)):
        yield finding(rule, page.file, _line(page), message, "rehearsed")


def _outcome(evidence: Rehearsal, limit: float, now: float) -> Iterator[tuple[str, str]]:
    age = now - evidence.at.timestamp()
    if age > limit:
        yield "rehearsal-old", f"was rehearsed {age // 86_400:.0f} days ago; its limit is {format_duration(limit)}"
    elif age < -_CLOCKS_DIFFER:
        at = datetime.fromtimestamp(evidence.at.timestamp(), UTC).strftime("%Y-%m-%d %H:%M")
        yield "rehearsal-old", f"was rehearsed in the future, at {at} UTC; one of the clocks is wrong"
    if evidence.recovered is None:
        yield "rehearsal-failed", f"the rehearsal of {evidence.at:%Y-%m-%d} didn't end in recovery"


def _versions(evidence: Rehearsal, present: Present) -> Iterator[tuple[str, str]]:
    if evidence.against is None:
        yield "rehearsal-other", "doesn't say what it was made for (against); rehearse it again, so that it does"
        return
    then = evidence.against.model_dump(exclude_none=True)
    for name, message in _WHAT.items():
        if name in then and name in present.fingerprints and then[name] != present.fingerprints[name]:
            yield "rehearsal-other", f"{message}; rehearse it again ({then[name]}, now {present.fingerprints[name]})"
    if present.unknown:
        yield "rehearsal-other", present.unknown


def _line(page: Page) -> int:
    """The field's line, in the front matter."""
    return next((number for number, line in enumerate(page.front, 1) if line.startswith("rehearsed:")), 0)
