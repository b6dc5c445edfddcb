"""Process ending: the fault's side of kinds that end processes: whom, and how they will be started again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chaos.kinds import blast_radius, health, starting
from chaos.kinds.ending import Ending
from chaos.kinds.health import Health
from chaos.kinds.processes import Found, ProcessFault
from chaos.linux.proc import ProcessId, no_pidfd
from flashcrowd.errors import NeedError

if TYPE_CHECKING:
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard


class SignallingFault(ProcessFault):
    """One that signals processes, and what these have started unless `children` is false."""

    children: bool = True

    @classmethod
    def capability(cls) -> str | None:
        return no_pidfd()

    def touched(self, component: Component) -> tuple[list[Found], bool]:
        """The processes, whom we may signal, and whether they are all that the component has.

        Raises:
            NeedError: none runs, or another user's. GuardError: one may not be touched; says which rule forbids it.
        """
        found, running = self.choose(component)
        for one in found:
            require_signal(one.id, f"components.{self.on}.process")
        return found, len(found) == running

    def started_by(self, found: Found) -> list[ProcessId] | None:
        """What a process has started; None when that is left alone. Raises GuardError and NeedError as `touched`."""
        if not self.children:
            return None
        started, place = found.id.tree()[1:], f"components.{self.on}.process"
        for child in started:
            blast_radius.check_started(child, found.id, place)
            require_signal(child, place)
        return started

    async def health(self, component: Component, guard: Guard, whole: bool) -> Health | None:
        """What shows the effect: the component's health, where no process is left to answer in the others' place."""
        return await health.look(component, self.on, guard) if whole else None


class EndingFault(SignallingFault):
    """One that ends processes: only those that can be started again."""

    def check(self, component: Component) -> str | None:
        if (reason := super().check(component)) is not None:
            return reason
        if component.process is not None and component.process.start is None:
            return (
                f"{self.on} has no process.start, and what can't be started again isn't ended; "
                "give it one (command or post) in the target file"
            )
        return None

    async def endings(self, identity: str, component: Component, guard: Guard) -> tuple[list[Ending], Health | None]:
        """What is to be ended, all that is needed to undo it, and where the effect is seen."""
        assert component.process is not None
        assert component.process.start is not None
        found, whole = self.touched(component)
        place = f"components.{self.on}.process.start"
        endings = [
            Ending(
                **dict(one),
                command=component.process.command,
                children=self.started_by(one),
                starter=await starting.starter(component.process.start, one.name, place, guard),
                mark=_folder() / f"{identity}-{one.name}.ended",
            )
            for one in found
        ]
        return endings, await self.health(component, guard, whole)


def require_signal(process: ProcessId, place: str) -> None:
    """Raise NeedError unless this user may signal the process."""
    try:
        process.signal(0)
    except PermissionError:
        raise NeedError(
            f"{place}: process {process} is another user's ({process.user}); run this as that user, or as root"
        ) from None


def _folder() -> Path:
    from chaos.undolog import UndoLog  # which knows all kinds, this one's too

    return UndoLog.default().folder.absolute()
