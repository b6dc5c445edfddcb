"""The injector: the whole life of a fault, and the promise that no fault outlives it.

guard → prepare → undo record on disk → reverter armed → inject → bites? → hold → heal → healed? → record closed

Each step tells an event: `armed`, `injected`, `bites` or `did_not_bite`, `healed` or `heal_failed`; `rearmed` when a
reverter that was lost has a successor, and `recovered` for what an earlier run had left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from chaos.fault import Fault, Injection, Probe
from chaos.healing import heal, to_the_end
from chaos.recovery import Outcome, recover
from chaos.switch import DeadMansSwitch
from chaos.undolog import Damaged, Record, UndoLog
from flashcrowd.documents import did_you_mean
from flashcrowd.errors import FlashcrowdError, InputError, NeedError, UnhealedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component

HEAL_PATIENCE = 15.0
"""Seconds for which healing is tried again before it counts as failed."""

SETTLE = 0.5
"""Seconds after which an injection that broke off is undone once more: its request may still have been under way."""

OVERTAKE = 2.0
"""Seconds that the healing of a younger fault may hold up an older one's."""

OnEvent = Callable[[str, dict[str, Any]], None]
"""Told each event's kind and its JSON data: id, fault (its kind), on, message, and the probe's figures."""


class Injected:
    """A fault that is in place. Times are unix seconds; `bite` is what the look at its effect showed."""

    def __init__(
        self, injector: Injector, fault: Fault, injection: Injection, record: Record, about: Mapping[str, Any]
    ) -> None:
        self.about = about
        self.fault, self.injection, self.record = fault, injection, record
        self.bite = Probe(False, "not looked at yet")
        self.settled = False
        self._injector = injector
        self._ends = time.monotonic() + fault.duration
        self._healing: asyncio.Task[Probe] | None = None

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def injected_at(self) -> float:
        return self.record.injected_at

    @property
    def expires_at(self) -> float:
        return self.record.expires_at

    @property
    def left(self) -> float:
        """Seconds until the fault's `for` is over."""
        return max(0.0, self._ends - time.monotonic())

    async def hold(self) -> None:
        """Until the fault's `for` is over; then heal it, or the reverter does a second later."""
        await asyncio.sleep(self.left)

    async def heal(self) -> Probe:
        """Heal it and see that it is healed. May be called again, and by several; a cancellation comes after it.

        Raises:
            UnhealedError: it could not be healed; says how to do it by hand. The record stays open.
        """
        if self._healing is None or (self._healing.done() and self._healing.exception() is not None):
            self._healing = asyncio.get_running_loop().create_task(self._injector.undo(self))
        return await to_the_end(self._healing)


class Injector:
    """Injects faults into the components of one target; leaving its context heals them all, the youngest first.

    components: by name. run: the run directory's name, for the undo log.
    """

    def __init__(
        self,
        components: Mapping[str, Component],
        guard: Guard,
        log: UndoLog,
        on_event: OnEvent,
        run: str | None = None,
    ) -> None:
        self._components, self._guard, self._log, self._run = components, guard, log, run
        self._on_event = on_event
        self._active: dict[str, Injected] = {}
        self._switch: DeadMansSwitch
        self._rearming: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Injector:
        """Heal first what dead injectors left behind.

        Raises:
            NeedError: the undo log can't be written, a record of it is damaged, or there can be no reverter.
            UnhealedError: what was left behind can't be healed; nothing more is broken on top of it.
        """
        self._log.make()
        await self._recover()
        self._switch = DeadMansSwitch(self._log, self._lost)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raises UnhealedError, with a line for each fault that is still in place."""
        await to_the_end(self._leave())

    async def inject(self, fault: Fault, about: Mapping[str, Any] | None = None) -> Injected:
        """Put a fault in place and see whether it bites. about: JSON values that all of its events carry.

        Raises:
            InputError: there is no such component, the fault can't work there, or the guard says no.
            NeedError: something it needs isn't there; what was done of it is undone.
            UnhealedError: it failed half way and could not be undone either.
        """
        injection = await self._prepare(fault, identity := secrets.token_hex(6))
        await self._switch.started()
        record = Record.new(identity, fault, injection, self._switch.process, self._run)
        self._log.write(record)
        active = Injected(self, fault, injection, record, about or {})
        self._active[identity] = active
        try:
            await self._switch.arm(identity)
            self._tell("armed", active, "the reverter heals it if this process can't")
            await injection.inject()
            self._check_time(active)
            active.settled = True
            self._tell("injected", active, fault.describe())
            active.bite = await injection.bites()
            self._tell("bites" if active.bite.ok else "did_not_bite", active, active.bite.message, active.bite)
        except BaseException:
            await active.heal()
            raise
        return active

    async def undo(self, active: Injected) -> Probe:
        """Heal one fault and close its record; what `Injected.heal` shares among its callers."""
        probe = await heal(active.injection, HEAL_PATIENCE, () if active.settled else (SETTLE,))
        if not probe.ok:
            by_hand = active.injection.by_hand()
            self._tell("heal_failed", active, f"{probe.message}; by hand: {by_hand}", probe)
            raise UnhealedError(f"{active.fault.describe()} is not healed: {probe.message}; heal it by hand: {by_hand}")
        self._active.pop(active.id, None)
        self._log.close(active.id)
        self._switch.release(active.id)
        self._tell("healed", active, probe.message, probe)
        return probe

    async def _recover(self) -> None:
        damaged = [str(found) for found in self._log.all() if isinstance(found, Damaged)]
        if damaged:
            raise NeedError("\n".join(damaged))
        for found in await recover(self._log):
            data = {"id": found.id, "fault": found.kind, "on": found.on, "message": found.message}
            if found.outcome is Outcome.HEALED:
                self._on_event("recovered", data)
            elif found.outcome is Outcome.FAILED:
                raise UnhealedError(f"left behind by an earlier run: {found.message}")

    async def _prepare(self, fault: Fault, identity: str) -> Injection:
        component = self._components.get(fault.on)
        if component is None:
            raise InputError(f"no component '{fault.on}' in the target{did_you_mean(fault.on, self._components)}")
        if (reason := fault.check(component)) is not None:
            raise InputError(f"{fault.kind} can't be injected: {reason}")
        if (obstacle := fault.capability()) is not None:
            raise NeedError(f"{fault.kind} can't work on this machine: {obstacle}")
        return await fault.prepare(identity, component, self._guard)

    def _check_time(self, active: Injected) -> None:
        """If we were stopped until the time was up, the reverter has healed what wasn't there yet."""
        if active.record.expired or not self._log.path(active.id).exists():
            raise NeedError(f"{active.fault.describe()} came too late: this process was stopped for longer than that")

    def _tell(self, kind: str, active: Injected, message: str, probe: Probe | None = None) -> None:
        figures = probe.figures if probe else {}
        data = {
            "id": active.id,
            "fault": active.fault.kind,
            "on": active.fault.on,
            "message": message,
            **figures,
            **active.about,
        }
        self._on_event(kind, data)

    def _lost(self) -> None:
        self._rearming = asyncio.get_running_loop().create_task(self._rearm())

    async def _rearm(self) -> None:
        """A fault without a reverter must not be: give the open ones a new one, or heal them."""
        await self._switch.close(wait=1.0)
        self._switch = DeadMansSwitch(self._log, self._lost)
        for active in list(self._active.values()):
            try:
                if not self._log.path(active.id).exists():
                    raise NeedError("its reverter healed it before it ended")
                active.record = active.record.model_copy(update={"reverter": self._switch.process})
                self._log.write(active.record)
                await self._switch.arm(active.id)
                self._tell("rearmed", active, "the reverter was lost and has a successor")
            except FlashcrowdError:
                with contextlib.suppress(FlashcrowdError):  # told by its event, and tried again when we leave
                    await active.heal()

    async def _leave(self) -> None:
        healing = []
        for active in reversed(list(self._active.values())):
            healing.append(asyncio.ensure_future(active.heal()))
            await asyncio.wait(healing[-1:], timeout=OVERTAKE)
        ends = await asyncio.gather(*healing, return_exceptions=True)
        errors = [end for end in ends if isinstance(end, Exception)]
        if self._rearming is not None:
            await asyncio.wait([self._rearming])
        await self._switch.close(wait=0.0 if self._active else 5.0)
        if self._active:
            raise UnhealedError("\n".join(str(error) for error in errors))
        if errors:
            raise errors[0]
