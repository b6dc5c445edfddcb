"""JUnit: every finding as a test case, for the CI systems that show such a file."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays.story import Story

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 can't hold even escaped (section 2.2); the end of a log in a message may bring it."""


def write(story: Story, verdict: Verdict) -> str:
    """A test suite with a case a finding. Inconclusive is an error, not a skip: CI must not take it for a pass."""
    failures, errors = verdict.of(Outcome.FAIL), verdict.of(Outcome.INCONCLUSIVE)
    suite = Xml.Element(
        "testsuite",
        name=story.plan.name,
        tests=str(len(verdict.findings)),
        failures=str(len(failures)),
        errors=str(len(errors)),
        time=f"{story.end - story.start:.3f}",
    )
    for finding in verdict.findings:
        _case(suite, story.plan.name, finding)
    Xml.indent(suite)
    text = Xml.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _case(suite: Xml.Element, plan: str, finding: Finding) -> None:
    case = Xml.SubElement(suite, "testcase", classname=plan, name=finding.name)
    match finding.outcome:
        case Outcome.FAIL:
            Xml.SubElement(case, "failure", message=finding.message)
        case Outcome.INCONCLUSIVE:
            Xml.SubElement(case, "error", message=finding.message, type="inconclusive")
        case Outcome.PASS:
            Xml.SubElement(case, "system-out").text = finding.message
