"""Conductor: plays a plan. Load, sale, faults, on-call and the watch over Prometheus run side by side on one timeline.

    start ─► load ─────────────────────────────────────────► end of the load ─► stopped
             sale waves        each announced, then open
             steps             inject … bites? … heal …       one task each
                                                all-clear: on-call takes back what it did
             on-call           page → runbook                 until the load ends
             sentinel          abort conditions, Prometheus   until the load ends

Whatever raises, all of them end, and the injector heals on the way out. An abort pre-empts whatever is running.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from chaos.gauge import FaultGauge
from chaos.injector import Injector
from chaos.undolog import UndoLog
from flashcrowd.errors import FlashcrowdError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import mark_headers
from flashcrowd.process import Supervisor
from flashcrowd.rundir import Event, RunDirectory
from flashcrowd.target import Target
from gamedays.phases import Phases
from gamedays.plan import FaultStep
from gamedays.planning import wrongbook
from gamedays.planning.checks import Prepared
from gamedays.playing.allclear import Broken
from gamedays.playing.oncall import Instead, OnCall
from gamedays.playing.schedule import Schedule
from loadtests import runner
from monitors.alerts import Source
from monitors.prometheus import Prometheus
from runbooks.gauge import StepGauge

ABORT_AFTER = 5
"""Evaluations in a row, a second apart, that an abort condition must hold: one late scrape is no reason."""


class AbortError(FlashcrowdError):
    """The game day can't or mustn't go on."""


class Conductor:
    """One playing of a plan against a target that is up.

    pages: who tells of alerts; Prometheus itself, if not given.
    """

    def __init__(
        self,
        prepared: Prepared,
        target: Target,
        guard: Guard,
        prometheus: Prometheus,
        run: RunDirectory,
        pages: Source | None = None,
    ) -> None:
        self._prepared, self._target, self._guard = prepared, target, guard
        self._plan, self._control = prepared.plan, prepared.control
        self._prometheus, self._pages, self._run = prometheus, pages, run
        self._load: runner.Load | None = None
        self._broken: dict[str, str] = {}
        self._in_place, self._standing_down = Broken(), asyncio.Lock()
        self._phases = Phases()
        self._gauge, self._step_gauge = FaultGauge(step.fault for step in self._steps), StepGauge()

    async def play(self, supervisor: Supervisor) -> None:
        """From the first viewer to the last. An abort is recorded, not raised; cancellation goes through."""
        sale = self._plan.spec.sale
        target = self._target.limited(sale.limit) if sale is not None else self._target
        self._load = await runner.start(supervisor, self._load_spec(), self._run, target, self._guard)
        start = time.time()
        self._run.listen(self._phase)
        self._run.record("conductor", "started", at=start, duration=self._plan.duration)
        try:
            await self._play(start, self._load)
        except* FlashcrowdError as group:
            reason = "; ".join(str(error) for error in _leaves(group))
            self._run.record("conductor", "aborted", reason=reason)
        finally:
            await asyncio.shield(self._load.stop())
            self._run.record("conductor", "ended")

    async def _play(self, start: float, load: runner.Load) -> None:
        def unmarked(reason: str) -> None:
            self._run.record("conductor", "faults_unmarked", reason=reason)

        with self._gauge.served(self._target.faults_port, unmarked, self._step_gauge):
            await self._play_marked(start, load)

    async def _play_marked(self, start: float, load: runner.Load) -> None:
        async with self._injector() as injector:
            try:
                await self._together(injector, start, load)
            except BaseException:
                self._run.record("conductor", "stopping", broken=list(self._broken.values()))
                raise

    async def _together(self, injector: Injector, start: float, load: runner.Load) -> None:
        async with asyncio.TaskGroup() as group:
            on_call = self._on_call()
            watchers = [group.create_task(on_call.watch(start)), group.create_task(self._sentinel())]
            spec = self._plan.spec
            schedule = Schedule(spec.sale, spec.draw, self._target, self._guard, self._run)
            group.create_task(schedule.play(start))
            played = [
                group.create_task(self._step(injector, on_call, number, step, start))
                for number, step in enumerate(self._steps)
            ]
            await load.wait()
            await asyncio.gather(*played)
            for watcher in watchers:
                watcher.cancel()

    @property
    def _steps(self) -> list[FaultStep]:
        return [] if self._control == "no-fault" else self._plan.spec.steps

    async def _step(self, injector: Injector, on_call: OnCall, number: int, step: FaultStep, start: float) -> None:
        await asyncio.sleep(max(0.0, start + step.at - time.time()))
        async with self._standing_down:  # it meets the platform as it was before the fault before it
            pass
        self._in_place.injected(step, time.time())
        active = await injector.inject(step.fault, {"step": number})
        await active.hold()
        await active.heal()
        async with self._standing_down:
            await on_call.stand_down(self._in_place.healed(step))

    def _injector(self) -> Injector:
        components, log = self._target.spec.components, UndoLog.default()
        return Injector(components, self._guard, log, self._fault_event, self._run.name)

    def _on_call(self) -> OnCall:
        return OnCall(
            self._prometheus,
            self._guard,
            self._target.variables(),
            self._run,
            withheld=self._control == "no-runbook",
            mark=lambda: mark_headers(self._target, self._run.name),
            pages=self._pages,
            instead=self._instead() if self._control == "wrong-runbook" else None,
            target=(self._target.name, str(self._prepared.target_file) if self._prepared.target else None),
            on_line=self._step_gauge.event,
        )

    def _instead(self) -> Instead:
        named = wrongbook.named(self._plan, self._prepared.slos)
        return lambda name: wrongbook.instead_of(name, named)

    async def _sentinel(self) -> None:
        """Watch the abort conditions, and Prometheus itself: without it nobody would see what a fault does.

        Raises:
            AbortError: a condition held, or Prometheus is gone.
        """
        held = dict.fromkeys(self._plan.spec.abort, 0)
        while True:
            await self._holds("vector(0)")  # whether Prometheus answers at all
            for condition in held:
                held[condition] = held[condition] + 1 if await self._holds(condition) else 0
                if held[condition] >= ABORT_AFTER:
                    raise AbortError(f"the abort condition held for {ABORT_AFTER} s: {condition}")
            await asyncio.sleep(1.0)

    async def _holds(self, condition: str) -> bool:
        """As an alert's expression does: by any series at all, since `up == 0` gives those that are 0."""
        try:
            return bool(await self._prometheus.query(condition))
        except NeedError as error:
            self._run.record("conductor", "prometheus_lost", message=str(error))
            raise AbortError(f"Prometheus is gone, and nobody would see what happens next: {error}") from None

    def _load_spec(self) -> runner.LoadSpec:
        load = self._plan.spec.load
        prometheus = self._target.spec.prometheus
        return runner.LoadSpec(
            scenario=self._prepared.scenario,
            viewers=load.viewers,
            shape=load.shape,
            over=load.over,
            duration=load.duration,
            steps=load.steps,
            stay=load.stay,
            points=self._prepared.points,
            rooms=load.room_names,
            workers=load.workers,
            arrivals=load.arrivals,
            seed=self._prepared.seed,
            metrics_port=prometheus.load_port if prometheus else None,
        )

    def _phase(self, event: Event) -> None:
        if (begun := self._phases.event(event)) is not None:
            name, why = begun
            self._run.record("conductor", "phase", at=event.time, phase=name, why=why)

    def _fault_event(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "injected":
            self._broken[data["id"]] = f"{data['fault']} on {data['on']}"
        elif kind == "healed":
            self._broken.pop(data["id"], None)
        self._gauge.event(kind, data)
        self._run.record("fault", kind, **data)


def _leaves(group: BaseExceptionGroup[FlashcrowdError]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
