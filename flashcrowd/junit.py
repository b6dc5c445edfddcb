"""JUnit: findings as test cases, for the CI systems that show such a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from flashcrowd.verdict import Outcome

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 can't hold even escaped (section 2.2); the end of a log in a message may bring it."""


@dataclass(frozen=True)
class Case:
    """One thing, below the group that CI systems show it in; without an outcome it was left out, which is said."""

    group: str
    name: str
    outcome: Outcome | None
    message: str


def suite(name: str, cases: Sequence[Case], seconds: float | None = None) -> str:
    """A test suite as XML. Inconclusive is an error, not a skip: CI must not take it for a pass."""
    outcomes = [case.outcome for case in cases]
    root = Xml.Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(outcomes.count(Outcome.FAIL)),
        errors=str(outcomes.count(Outcome.INCONCLUSIVE)),
        skipped=str(outcomes.count(None)),
    )
    if seconds is not None:
        root.set("time", f"{seconds:.3f}")
    for case in cases:
        _add(root, case)
    Xml.indent(root)
    text = Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _add(root: Xml.Element, case: Case) -> None:
    element = Xml.SubElement(root, "testcase", classname=case.group, name=case.name)
    match case.outcome:
        case Outcome.FAIL:
            Xml.SubElement(element, "failure", message=case.message)
        case Outcome.INCONCLUSIVE:
            Xml.SubElement(element, "error", message=case.message, type="inconclusive")
        case Outcome.PASS:
            Xml.SubElement(element, "system-out").text = case.message
        case None:
            Xml.SubElement(element, "skipped", message=case.message)
