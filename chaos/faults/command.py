"""`command`: what you say: programs or HTTP requests of your own that break, look and heal.

    {kind: command, on: cache, inject: [./fill.sh], probe: [./is-full.sh], heal: [./empty.sh], for: 60s}

`inject`, `probe`, `heal` and `healed` are each one action or a list of them: words of a program, which is run without a
shell; `{run: [...], status: [0, 3], matches: REGEX}`; `{http: {method: POST, url: ..., headers: ..., json: ...},
status: [204]}`; `{pause: 2s}`. `${env.NAME}` in them is filled in when they are done and stands nowhere else. `timeout`
(5s) is the longest that one may take; its process group is killed then. `{http: {path: /consumer, ...}}` goes to the
component's `admin` address. Programs find FLASHCROWD_FAULT_ID, FLASHCROWD_COMPONENT and, where there is one,
FLASHCROWD_ADMIN in their environment; `python` is the one that flashcrowd runs on. `heal` has to be fine at any time
and any number of times.

Needs: its programs on PATH, its hosts in `allow_hosts`, and `probe` or `healed`, of which each is the other's opposite
if that isn't given.

Bites: when `probe` ends well within five seconds, or `healed` doesn't. Before the injection it must be the other way.

Heals: what `inject` has left running in its process group is killed; then all of `heal` is done, past errors.

Holds: nothing but what it does by itself; `flashcrowd chaos recover` does its `heal`.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, model_validator

from chaos.acting.actions import LONGEST, Action, Actions, Http, Setting, obstacles, past_errors, pauses, perform
from chaos.acting.program import kill_leftovers
from chaos.fault import Fault, Injection, Probe
from flashcrowd.errors import InputError, NeedError
from flashcrowd.units import Duration, format_duration

if TYPE_CHECKING:
    from flashcrowd.components import Component
    from flashcrowd.guard import Guard

PATIENCE = 5.0
"""Seconds in which the effect must be seen."""

LOOKS_EVERY = 0.1

HEALS_WITHIN = 5.0
"""Seconds of pauses that healing may have: a try of it ends after ten."""


class CommandInjection(Injection):
    """What is done, with the addresses that the guard has checked. present, absent: how it looks with and without."""

    identity: str
    on: str
    folder: str
    timeout: float
    breaking: Actions
    healing: Actions
    present: Actions | None
    absent: Actions | None
    admin: str | None = None

    async def inject(self) -> None:
        await perform(self.breaking, self.setting, "inject")

    async def bites(self) -> Probe:
        until = time.monotonic() + PATIENCE
        while not (probe := await self.look()).ok and time.monotonic() < until:
            await asyncio.sleep(LOOKS_EVERY)
        return probe

    async def heal(self) -> None:
        kill_leftovers(self.identity, "inject")
        await past_errors(self.healing, self.setting, "heal")

    async def healed(self) -> Probe:
        if self.absent is not None:
            return await self._try(self.absent)
        seen = await self.look()
        return Probe(not seen.ok, seen.message)

    def by_hand(self) -> str:
        return "; ".join(one.by_hand(self.setting, "heal") for one in self.healing)

    async def look(self) -> Probe:
        """Whether the effect is seen now."""
        if self.present is not None:
            return await self._try(self.present)
        assert self.absent is not None
        probe = await self._try(self.absent)
        return Probe(not probe.ok, probe.message)

    async def _try(self, actions: list[Action]) -> Probe:
        try:
            return Probe(True, await perform(actions, self.setting, "probe"))
        except (NeedError, InputError) as error:
            return Probe(False, str(error))

    @property
    def setting(self) -> Setting:
        return Setting(self.identity, self.on, self.folder, self.timeout, self.admin)


def _bounded(seconds: float) -> float:
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"an action takes more than 0s and at most {format_duration(LONGEST)}")
    return seconds


class Command(Fault):
    """Actions of the user's own."""

    kind: Literal["command"] = "command"
    inject: Actions
    heal: Actions
    probe: Actions | None = None
    healed: Actions | None = None
    timeout: Annotated[Duration, AfterValidator(_bounded)] = 5.0

    injection: ClassVar[type[Injection]] = CommandInjection

    @model_validator(mode="after")
    def _can_be_seen(self) -> Command:
        if self.probe is None and self.healed is None:
            raise ValueError("wants probe or healed: a fault that nobody sees can't be told from none")
        if pauses([*self.heal, *(self.healed or ())]) > HEALS_WITHIN:
            raise ValueError(f"heal and healed pause for more than {format_duration(HEALS_WITHIN)}; heal at once")
        return self

    def describe(self) -> str:
        more = f" and {len(self.inject) - 1} more" if len(self.inject) > 1 else ""
        return f"{self.kind} on {self.on}, {self.inject[0]}{more}, for {format_duration(self.duration)}"

    def check(self, component: Component) -> str | None:
        for name, actions in self._steps():
            for reason in obstacles(actions):
                return f"{name}: {reason}"
            if component.admin is None and any(isinstance(one, Http) and one.http.path for one in actions):
                return f"{name}: {self.on} has no admin address, below which the path would be; write a url"
        return None

    async def prepare(self, identity: str, component: Component, guard: Guard) -> CommandInjection:
        pinned = {}
        for name, actions in self._steps():
            pinned[name] = [
                await one.pinned(guard, f"{name} of {self.kind} on {self.on}", component.admin) for one in actions
            ]
        injection = CommandInjection(
            identity=identity,
            on=self.on,
            folder=str(Path.cwd()),
            timeout=self.timeout,
            breaking=pinned["inject"],
            healing=pinned["heal"],
            present=pinned.get("probe"),
            absent=pinned.get("healed"),
            admin=component.admin,
        )
        if (before := await injection.look()).ok:
            raise NeedError(f"{self.describe()}: its effect is seen before it is injected ({before.message})")
        return injection

    def _steps(self) -> list[tuple[str, list[Action]]]:
        steps = [("inject", self.inject), ("probe", self.probe), ("heal", self.heal), ("healed", self.healed)]
        return [(name, actions) for name, actions in steps if actions is not None]
