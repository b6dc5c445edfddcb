"""JUnit: every finding of a run as a test case."""

from __future__ import annotations

from flashcrowd.junit import Case, suite
from flashcrowd.verdict import Verdict
from gamedays.story.story import Story


def write(story: Story, verdict: Verdict) -> str:
    """A test suite with a case a finding."""
    name = story.plan.name
    cases = [Case(name, finding.name, finding.outcome, finding.message) for finding in verdict.findings]
    return suite(name, cases, story.end - story.start)
