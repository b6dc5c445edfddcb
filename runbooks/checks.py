"""Checks: what must hold between the parts of one page, beyond each part being well formed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Set

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import Problem
from runbooks.model import ACTING, OPTIONAL, Heading, ManualStep, PromqlStep, Runbook, Section, WaitStep


def faults(runbook: Runbook, broken: Set[str]) -> Iterator[Problem]:
    """Everything that is wrong with a page as a whole.

    broken: names of steps that are on the page but couldn't be read. Naming them is no fault, and while there are
    any, nothing can be said of what no step does.
    """
    if not runbook.title:
        yield _problem(runbook, 1, "has no title; write one as '# What the alert says'")
    for rule in (_headings, _names, _places, _expectations, _waits, _automatic):
        yield from rule(runbook)
    yield from _references(runbook, broken)
    if not broken:
        yield from _diagnosed(runbook)
        yield from _verification(runbook)
        yield from _orphans(runbook)


def _headings(runbook: Runbook) -> Iterator[Problem]:
    seen: dict[str, Section] = {}
    for section in runbook.sections:
        if section.heading in seen:
            first = seen[section.heading].line
            yield _problem(runbook, section.line, f"the heading '{section.heading}' is there already, in line {first}")
        elif not section.parts and section.heading in set(Heading):
            yield _problem(runbook, section.line, f"nothing stands under '{section.heading}'; say so, if it is nothing")
        seen.setdefault(section.heading, section)
    own = [name for name in seen if name not in set(Heading)]
    for heading in Heading:
        if heading not in seen and heading not in OPTIONAL:
            near = difflib.get_close_matches(heading, own, n=1)
            hint = f"; is '{near[0]}' meant to be it?" if near else ""
            yield _problem(runbook, 0, f"the heading '## {heading}' is missing{hint}")


def _names(runbook: Runbook) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for step in runbook:
        if step.name in seen:
            yield _problem(runbook, step.line, f"the step '{step.name}' is there already, in line {seen[step.name]}")
        seen.setdefault(step.name, step.line)


def _places(runbook: Runbook) -> Iterator[Problem]:
    """Steps and settings that their section can't honour."""
    for step in runbook:
        if step.acts and step.section not in ACTING:
            yield _problem(runbook, step.line, f"{step.kind} steps change the platform; move it under Mitigation")
        if step.undo and step.section is not Heading.MITIGATION:
            yield _problem(runbook, step.line, "undo belongs to steps under Mitigation; nothing else is taken back")
        if step.when and step.section is not Heading.MITIGATION:
            yield _problem(runbook, step.line, "when belongs to steps under Mitigation; all others are always taken")
        if step.approve and step.section is Heading.ROLLBACK:
            yield _problem(runbook, step.line, "approve can't be honoured: a rollback runs to its end without asking")


def _automatic(runbook: Runbook) -> Iterator[Problem]:
    """Whoever wants to be asked about a step hasn't allowed a machine to take it; and half a page is no mitigation."""
    for step in runbook.steps(Heading.MITIGATION) if runbook.front.automatic else ():
        if step.approve or isinstance(step, ManualStep):
            why = "asks a person first" if step.approve else "is something that only a person can do"
            yield _problem(runbook, step.line, f"automatic can't be honoured: {step.name} {why}")
    for step in runbook:
        if step.on and not step.acts:
            yield _problem(runbook, step.line, f"on belongs to steps that change something; {step.kind} steps don't")


def _expectations(runbook: Runbook) -> Iterator[Problem]:
    for step in runbook:
        if not isinstance(step, PromqlStep):
            continue
        if step.expect is None and step.section is not Heading.FIRST:
            yield _problem(runbook, step.line, f'{step.name} has no expect; write what is expected, as "> 0.3"')
        if step.hold and step.section in (Heading.FIRST, Heading.DIAGNOSIS):
            yield _problem(runbook, step.line, f"for can't be honoured under {step.section}, which looks only once")
        elif step.hold >= step.timeout:
            yield _problem(runbook, step.line, "for must be shorter than timeout, or it can never hold that long")


def _waits(runbook: Runbook) -> Iterator[Problem]:
    for step in runbook:
        if not isinstance(step, WaitStep):
            continue
        if step.section not in (Heading.MITIGATION, Heading.VERIFICATION):
            yield _problem(
                runbook, step.line, "a wait belongs under Mitigation or Verification; nothing else takes time"
            )
        for name in sorted({"approve", "timeout", "retries", "undo"} & step.model_fields_set):
            yield _problem(runbook, step.line, f"{name} can't be honoured: a wait only lets its time pass")


def _diagnosed(runbook: Runbook) -> Iterator[Problem]:
    """Whoever can raise an alert mustn't set off what no figure of the platform calls for."""
    looks = any(isinstance(step, PromqlStep) for step in runbook.steps(Heading.DIAGNOSIS))
    if runbook.front.automatic and not looks:
        sections = [section for section in runbook.sections if section.heading == Heading.DIAGNOSIS]
        line = sections[0].line if sections else 0
        yield _problem(runbook, line, "automatic can't be honoured: no promql step under Diagnosis tells the cause")


def _verification(runbook: Runbook) -> Iterator[Problem]:
    acting = [step for step in runbook.steps(Heading.MITIGATION) if step.acts]
    sections = [section for section in runbook.sections if section.heading == Heading.VERIFICATION]
    verified = any(isinstance(step, PromqlStep) for step in runbook.steps(Heading.VERIFICATION))
    if acting and sections and not verified:
        yield _problem(runbook, sections[0].line, "has no promql step to tell whether the mitigation helped")


def _references(runbook: Runbook, broken: Set[str]) -> Iterator[Problem]:
    for step in runbook.steps(Heading.MITIGATION):
        for key, name, place in (("undo", step.undo, Heading.ROLLBACK), ("when", step.when, Heading.DIAGNOSIS)):
            known = {other.name for other in runbook.steps(place)}
            if name is not None and name not in known | broken:
                message = f"no step '{name}' under {place}{did_you_mean(name, known)}"
                yield Problem(runbook.file, step.line, key, message)


def _orphans(runbook: Runbook) -> Iterator[Problem]:
    used = {step.undo for step in runbook}
    for step in runbook.steps(Heading.ROLLBACK):
        if step.name not in used:
            yield _problem(runbook, step.line, f"no step names '{step.name}' as its undo, so it would never run")


def _problem(runbook: Runbook, line: int, message: str) -> Problem:
    return Problem(runbook.file, line, "", message)
