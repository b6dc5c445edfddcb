"""Experiment run: the faults of an experiment on its timeline; `flashcrowd chaos run` in code."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from chaos.experiment import Experiment, Planned
from chaos.fault_run import SENTENCES
from chaos.gauge import FaultGauge
from chaos.injector import Injected, Injector
from chaos.progress import Progress
from chaos.undolog import UndoLog
from flashcrowd.guard import Guard
from flashcrowd.target import read_target


async def run(experiment: Experiment, target_file: Path, allow_production: str | None, progress: Progress) -> bool:
    """Inject every fault at its time, hold it, heal it; whether all of them were seen to bite.

    A fault that can't be injected ends the experiment. Cancellation and errors heal all, the youngest first.

    Raises:
        DocumentError, GuardError: nothing was touched. NeedError: something a fault needs isn't there.
        UnhealedError: a fault is still in place; says how to heal it by hand.
    """
    target = read_target(target_file)
    guard = Guard.of(target, allow_production)
    experiment.check(target.spec.components)

    gauge = FaultGauge(step.fault for step in experiment.steps)

    def on_event(kind: str, data: dict[str, Any]) -> None:
        gauge.event(kind, data)
        if (sentence := SENTENCES.get(kind)) is not None:
            progress.line(f"{data['fault']} on {data['on']}: {sentence.format(**data)}")

    with gauge.served(target.faults_port, progress.line):
        async with Injector(target.spec.components, guard, UndoLog.default(), on_event) as injector:
            return await _Player(experiment, injector, progress).play()


class _Player:
    """One run of an experiment: what is held now."""

    def __init__(self, experiment: Experiment, injector: Injector, progress: Progress) -> None:
        self._experiment, self._injector, self._progress = experiment, injector, progress
        self._held: list[Injected] = []

    async def play(self) -> bool:
        """All steps, each in a task of its own; whether all of them bit."""
        begun = time.monotonic()
        telling = asyncio.ensure_future(self._tell())
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._play(step, begun)) for step in self._experiment.steps]
        except asyncio.CancelledError:
            self._progress.line("stopping: healing all")
            raise
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            telling.cancel()
        return all(task.result() for task in tasks)

    async def _play(self, step: Planned, begun: float) -> bool:
        await asyncio.sleep(begun + step.at - time.monotonic())
        active = await self._injector.inject(step.fault)
        self._held.append(active)
        await active.hold()
        await active.heal()
        self._held.remove(active)
        return active.bite.ok

    async def _tell(self) -> None:
        """Say every second what is held, and for how long."""
        while True:
            if self._held:
                names = ", ".join(f"{one.fault.kind} on {one.fault.on}" for one in self._held)
                self._progress.holding(names, max(one.left for one in self._held))
            await asyncio.sleep(1.0)
