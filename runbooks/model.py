"""Runbook: a Markdown page with executable steps, as it was read; nothing in it changes afterwards.

A step's fields come from the JSON of its fence's info string, except those in PAGE_FIELDS, which are the page itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from flashcrowd.documents import Model
from flashcrowd.fingerprint import Fingerprint
from flashcrowd.units import Duration
from runbooks.expectation import Expectation

PAGE_FIELDS = frozenset({"section", "why", "line", "query", "method", "url", "headers", "body", "script", "text"})
"""Fields of steps that the page gives: where the block stands, the prose before it, and what stands in it."""


class Heading(StrEnum):
    """The headings of a runbook, in the order in which a person needs them."""

    MEANING = "Meaning"
    IMPACT = "Impact"
    FIRST = "First five minutes"
    DIAGNOSIS = "Diagnosis"
    MITIGATION = "Mitigation"
    VERIFICATION = "Verification"
    ROLLBACK = "Rollback"
    ESCALATION = "Escalation"
    REHEARSALS = "Rehearsals"


STEP_HEADINGS = (Heading.FIRST, Heading.DIAGNOSIS, Heading.MITIGATION, Heading.VERIFICATION, Heading.ROLLBACK)
"""Where steps may stand. Under all of them but ACTING a step only looks, so running it is safe at any time."""

ACTING = (Heading.MITIGATION, Heading.ROLLBACK)
"""Where steps may change the platform."""

OPTIONAL = frozenset({Heading.REHEARSALS})


def _name(text: str) -> str:
    if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text) is None:
        raise ValueError(f"'{text}' is no step name; write lower-case words joined by hyphens")
    return text


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be longer than 0")
    return seconds


LONGEST_WAIT = 3600.0
"""Seconds of one wait step: whoever has to wait longer is better served by a page that says when to come back."""


def _bearable(seconds: float) -> float:
    if seconds > LONGEST_WAIT:
        raise ValueError("must be at most 1h; for longer, say in prose when to come back")
    return seconds


class Step(Model):
    """What all kinds of steps have.

    approve: a person is asked first. timeout: seconds for one try. undo: the Rollback step that takes this one back.
    retries: further tries after a failure. when: the Diagnosis step that must have matched for this Mitigation step
    to be taken; without it any match is enough. why: the prose between the step before and this one. line: of the
    fence, from 1.
    """

    kind: ClassVar[str]
    acts: ClassVar[bool]
    looks: ClassVar[bool] = False

    name: Annotated[str, Field(alias="step"), AfterValidator(_name)]
    approve: bool = False
    timeout: Annotated[Duration, AfterValidator(_positive)] = 10.0
    undo: str | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    when: str | None = None
    section: Heading
    why: str
    line: int

    @property
    def changes(self) -> bool:
        """Whether something may be in place after the step, and taken back."""
        return self.section is Heading.MITIGATION and not self.looks


class PromqlStep(Step):
    """A query. Under Diagnosis it matches a cause; elsewhere it waits until what is expected holds.

    hold: seconds for which the expectation has to hold without a break.
    """

    kind = "promql"
    acts = False
    looks = True

    expect: Expectation | None = None
    hold: Annotated[Duration, Field(alias="for")] = 0.0
    query: str


class HttpStep(Step):
    """A request. expect: of the status; by default any 2xx is well. idempotent: doing it twice is the same as once."""

    kind = "http"
    acts = True

    expect: Expectation | None = None
    idempotent: bool = False
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: str


class ShStep(Step):
    """A script for /bin/sh, ended by its first failing command. Variables and labels are in its environment.

    idempotent: doing it twice is the same as once.
    """

    kind = "sh"
    acts = True

    idempotent: bool = False
    script: str


class WaitStep(Step):
    """Time that has to pass: what was done takes a while to show. hold: seconds. text: what is waited for."""

    kind = "wait"
    acts = False
    looks = True

    hold: Annotated[Duration, Field(alias="for"), AfterValidator(_positive), AfterValidator(_bearable)]
    text: str


class ManualStep(Step):
    """Something that only a person can do, and says when it is done."""

    kind = "manual"
    acts = False

    text: str


KINDS: dict[str, type[Step]] = {kind.kind: kind for kind in (PromqlStep, HttpStep, ShStep, WaitStep, ManualStep)}


class Against(Model):
    """What a page was rehearsed against, by fingerprint; None where the run didn't leave one."""

    plan: Fingerprint | None = None
    rules: Fingerprint | None = None
    target: Fingerprint | None = None
    runbook: Fingerprint | None = None


class Rehearsal(Model):
    """Evidence: the last time that this page was followed against a real fault. Durations count from the fault.

    detected: when the rehearsal's alert paged. detected_production: when production's rules would have.
    """

    at: AwareDatetime
    plan: str
    fault: str
    detected: Duration | None = None
    detected_production: Duration | None = None
    diagnosis: str | None = None
    mitigation: str | None = None
    mitigated: Duration | None = None
    recovered: Duration | None = None
    against: Against | None = None


class FrontMatter(Model):
    """The YAML at the top of the page."""

    alerts: list[str] = []
    slo: str | None = None
    owner: str
    severity: Literal["page", "ticket"]
    rehearsed: Rehearsal | None = None


@dataclass(frozen=True)
class Section:
    """What stands under one heading: prose (Markdown) and steps in the order of the page."""

    heading: str
    line: int
    parts: tuple[str | Step, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(part for part in self.parts if isinstance(part, Step))


@dataclass(frozen=True)
class Runbook:
    """A whole page. name: the file's, without `.md`. sections: in the order of the page, its own headings included."""

    name: str
    file: Path
    title: str
    front: FrontMatter
    sections: tuple[Section, ...]

    def __iter__(self) -> Iterator[Step]:
        return (step for section in self.sections for step in section.steps)

    def steps(self, heading: Heading) -> tuple[Step, ...]:
        """The steps under one heading."""
        return tuple(step for step in self if step.section is heading)

    def step(self, name: str) -> Step:
        """The step of this name. Raises KeyError when there is none."""
        for step in self:
            if step.name == name:
                return step
        raise KeyError(name)
