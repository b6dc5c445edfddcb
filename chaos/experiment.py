"""Experiment: faults on a timeline, as a file has it (`kind: Experiment`).

    apiVersion: flashcrowd/v1
    kind: Experiment
    metadata: {name: cache-under-pressure}
    spec:
      steps:
        - {at: 0s, fault: {kind: redis.pause, on: cache, commands: writes, for: 20s}}
        - {at: 5s, fault: {kind: network.latency, on: inventory, delay: 800ms, for: 30s}}

`at` counts from the beginning, and faults may overlap. An experiment of Chaos Toolkit's is read too, as one fault on a
component that the command line names (`chaos.chaostoolkit`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from chaos.fault import Fault
from chaos.faults import AnyFault
from flashcrowd.documents import V1, Document, Metadata, Model, did_you_mean, document
from flashcrowd.documents import Step as Place
from flashcrowd.errors import DocumentError, InputError, Problem
from flashcrowd.units import Duration

if TYPE_CHECKING:
    from flashcrowd.components import Component

EMPTY = "an empty experiment is not an experiment"


class Step(Model):
    """A fault, so many seconds after the beginning."""

    at: Duration
    fault: AnyFault


class ExperimentSpec(Model):
    steps: list[Step]

    @field_validator("steps")
    @classmethod
    def _some(cls, steps: list[Step]) -> list[Step]:
        if not steps:
            raise ValueError(f"{EMPTY}; write a step: {{at: 0s, fault: {{kind: ..., on: ..., for: 60s}}}}")
        return steps


class ExperimentFile(Model):
    """A whole file."""

    api_version: Annotated[V1, Field(alias="apiVersion")]
    kind: Literal["Experiment"]
    metadata: Metadata
    spec: ExperimentSpec


@dataclass(frozen=True)
class Planned:
    """A fault on the timeline: `at` seconds after its beginning. place: where the file has it."""

    at: float
    fault: Fault
    place: tuple[Place, ...]


@dataclass(frozen=True)
class Experiment:
    """What is to be played, and the document that it stands in."""

    name: str
    steps: tuple[Planned, ...]
    document: Document

    @property
    def duration(self) -> float:
        """Seconds from the beginning until the last fault's time is over."""
        return max(step.at + step.fault.duration for step in self.steps)

    def check(self, components: Mapping[str, Component]) -> None:
        """Raise DocumentError with every fault that can't be injected into these components, or on this machine."""
        if problems := list(self._problems(components)):
            raise DocumentError(problems)

    def _problems(self, components: Mapping[str, Component]) -> Iterator[Problem]:
        for step in self.steps:
            if (component := components.get(step.fault.on)) is None:
                wrong = f"no component '{step.fault.on}' in the target{did_you_mean(step.fault.on, components)}"
                yield self.document.problem((*step.place, "on"), wrong)
            elif (reason := step.fault.check(component) or step.fault.capability()) is not None:
                yield self.document.problem(step.place, f"{step.fault.kind} can't be injected: {reason}")


def read_experiment(file: Path, on: str | None = None, duration: str | None = None) -> Experiment:
    """The experiment of a file, ours or Chaos Toolkit's; on, duration: the component of the latter, and how long.

    Raises:
        DocumentError: with every fault of the file. InputError: `on` and `duration` don't go with the file.
    """
    found = document(file)
    if "kind" in found.data or "apiVersion" in found.data:
        if on is not None or duration is not None:
            raise InputError(f"--on and --for are for Chaos Toolkit's experiments; the steps of {file} have their own")
        return _ours(document(file, kind="Experiment"))
    from chaos import chaostoolkit

    return chaostoolkit.read(found, on, duration)


def _ours(found: Document) -> Experiment:
    parsed = found.parse(ExperimentFile)
    steps = [Planned(one.at, one.fault, ("spec", "steps", n, "fault")) for n, one in enumerate(parsed.spec.steps)]
    return Experiment(parsed.metadata.name, tuple(steps), found)
