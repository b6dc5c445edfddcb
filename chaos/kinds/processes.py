"""Processes: faults on those of a component, of which there may be several."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from chaos.fault import Fault
from chaos.kinds import blast_radius
from chaos.linux.proc import ProcessId, command_line
from flashcrowd.documents import Model
from flashcrowd.errors import NeedError
from flashcrowd.units import Ratio

if TYPE_CHECKING:
    from flashcrowd.components import Component, ProcessAddress

ROUNDING = 1e-9
"""Of a share: 30 % of 10 are 3, not the 4 that floats would round up to."""


class Found(Model):
    """A process of a component. name: its pidfile's, without the ending."""

    name: str
    pidfile: Path
    id: ProcessId


class ProcessFault(Fault):
    """A fault on processes of a component: on one of them, on `count`, or on a `share` of them (rounded up).

    They are chosen by the names of their pidfiles, so that the same fault is the same next time.
    """

    count: Annotated[int | None, Field(ge=1)] = None
    share: Annotated[Ratio | None, Field(gt=0)] = None

    @model_validator(mode="after")
    def _either(self) -> ProcessFault:
        if self.count is not None and self.share is not None:
            raise ValueError("wants count or share, not both")
        return self

    @property
    def whom(self) -> str:
        """The component and how much of it, for people."""
        if self.count is not None and self.count > 1:
            return f"{self.on}, {self.count} of its processes,"
        return f"{self.on}, {self.share:.0%} of its processes," if self.share is not None else self.on

    def check(self, component: Component) -> str | None:
        if component.process is None:
            return f"{self.on} has no process; give it one (pidfile) in the target file"
        return None

    def processes(self, component: Component) -> list[Found]:
        """The processes that it is to touch.

        Raises:
            NeedError: none runs. GuardError: one of the component's may not be touched; says which rule forbids it.
        """
        return self.choose(component)[0]

    def choose(self, component: Component) -> tuple[list[Found], int]:
        """The same, and how many of the component's processes run."""
        assert component.process is not None
        found = find(component.process, place := f"components.{self.on}.process")
        if self.count is not None and self.count > len(found):
            raise NeedError(
                f"{place}: {len(found)} of them run, {self.count} are to be touched; start more, or lower count"
            )
        part = self.count or math.ceil((self.share or 0) * len(found) - ROUNDING) or 1
        return found[:part], len(found)


def find(address: ProcessAddress, place: str) -> list[Found]:
    """The processes of a component that run now, by the names of their pidfiles; place: for messages.

    Raises:
        NeedError: there is none. GuardError: one of them may not be touched; says which rule forbids it.
    """
    found = blast_radius.find(address.pidfile, place)
    for file, process in found:
        blast_radius.check(file, process, address.command, place)
    return [Found(name=file.path.stem, pidfile=file.path, id=process) for file, process in found]


__all__ = ["Found", "ProcessFault", "ProcessId", "command_line", "find"]
