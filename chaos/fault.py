"""Fault: something broken on purpose, as a plan writes it, and the injection that it becomes on a component.

A kind is two classes in one file of `chaos/faults/`: a Fault, which is what people write, and its Injection, which
holds all that is needed to undo it. An injection is plain JSON in the undo log, so that another process can heal it
when we are dead and the plan and target files are gone.

The docstring of that file is what `chaos list` and docs/faults.md say of the kind: what it does, an example as a plan
has it, and a paragraph each that begins with `Needs:`, `Bites:`, `Heals:` and `Holds:`; the last one tells what ends
the fault when injector and reverter are both gone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from flashcrowd.documents import Model
from flashcrowd.units import Duration, format_duration

if TYPE_CHECKING:  # a reverter, which needs neither, is there sooner
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard

LONGEST = 86_400.0
"""Seconds that a fault may last: there is no endless one."""


def _bounded(seconds: float) -> float:
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"a fault lasts more than 0s and at most {format_duration(LONGEST)}")
    return seconds


@dataclass(frozen=True)
class Probe:
    """What a look at the real thing showed.

    message: a clause with the figures, as `p50 811 ms`. figures: the same for machines; milliseconds end in `_ms`.
    """

    ok: bool
    message: str
    figures: Mapping[str, float | bool | None] = field(default_factory=dict)


class Injection(Model):
    """One fault on one component: how to put it there, see it, take it away and see that it is gone.

    What can go wrong on the way raises OSError or FlashcrowdError; the probes answer with `ok=False` instead.
    """

    @abstractmethod
    async def inject(self) -> None:
        """Break it."""

    @abstractmethod
    async def bites(self) -> Probe:
        """Whether the effect is seen."""

    @abstractmethod
    async def heal(self) -> None:
        """Undo it. May be called at any time, before the injection and many times after it."""

    @abstractmethod
    async def healed(self) -> Probe:
        """Whether nothing of ours is left; what held the fault being gone altogether is healed, and said so."""

    @abstractmethod
    def by_hand(self) -> str:
        """The shell command that heals it."""


class Fault(Model):
    """What every kind of fault has: `on` names a component of the target, `for` is how long it lasts (seconds)."""

    kind: str
    on: str
    duration: Annotated[Duration, AfterValidator(_bounded), Field(alias="for")]

    injection: ClassVar[type[Injection]]

    @classmethod
    def capability(cls) -> str | None:
        """Why this kind can't work on this machine, with the remedy; None when it can, as far as can be told."""
        return None

    @abstractmethod
    def describe(self) -> str:
        """One line for people: `network.latency on inventory, 800 ms for 1m`."""

    @abstractmethod
    def check(self, component: Component) -> str | None:
        """Why this can't work on the component here, with the remedy; None when it can."""

    @abstractmethod
    async def prepare(self, identity: str, component: Component, guard: Guard) -> Injection:
        """Ask the guard about every address before the first packet, look at how things are, and break nothing yet.

        identity: the fault's own, for the names of what is injected, so that it can't be taken for anybody else's.

        Raises:
            GuardError: something would be touched that may not be.
            NeedError: what the fault needs isn't there.
        """
