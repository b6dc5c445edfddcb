"""Game day: from a plan to a verdict. Prepare (nothing touched yet), play, collect, judge, report.

Each stage leaves its part in the run directory before the next begins; judging and reporting can be repeated.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import monitors.server
from flashcrowd import __version__
from flashcrowd.errors import ExitCode, FlashcrowdError
from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor
from flashcrowd.rundir import Event, RunDirectory
from flashcrowd.seal import seal
from flashcrowd.sweeper import swept
from flashcrowd.target import Target
from flashcrowd.units import clock
from flashcrowd.verdict import Verdict
from gamedays import embedded, manifest
from gamedays.conductor import Conductor
from gamedays.evidence import diagnosis
from gamedays.judging import drift, production
from gamedays.judging import judge as judging
from gamedays.planning import preflight
from gamedays.planning.checks import Prepared, prepare
from gamedays.playing import extracts
from gamedays.playing.books import known_orders, save_books
from gamedays.playing.pages import pager
from gamedays.report import terminal, triad_table
from gamedays.story.readable import readable
from gamedays.story.story import Story, read_story
from monitors import replay
from monitors.prometheus import Prometheus

__all__ = ["Ended", "Screen", "judge", "play", "prepare", "summary", "write_reports"]


class Screen(Protocol):
    """Who shows the run while it goes on."""

    def begins(self, folder: Path) -> None:
        """The run has its directory, and nothing has happened yet."""

    def event(self, event: Event) -> None:
        """Something happened."""

    async def watch(self, prometheus: Prometheus) -> None:
        """Show figures of Prometheus until cancelled."""

    def saved(self, report: Path, when: str) -> None:
        """The run was interrupted, and what there is has been saved. when: as `interrupted at 01:03 of 02:10`."""


@dataclass(frozen=True)
class Ended:
    """A run that is over: its evidence, its story and its verdict. interrupted: just now, by a signal."""

    run: RunDirectory
    story: Story
    verdict: Verdict
    interrupted: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """As the verdict says; an interruption outweighs it, and a fault that is still in place both."""
        played = (self.story, *self.story.controls)
        if any(fault.heal_failed is not None for story in played for fault in story.faults):
            return ExitCode.UNHEALED
        if self.interrupted:
            return ExitCode.INTERRUPTED
        return self.verdict.outcome.exit_code


async def play(prepared: Prepared, out: Path, screen: Screen) -> Ended:
    """Play a prepared plan, and judge and report whatever came of it.

    Raises:
        NeedError: the target or Prometheus could not be started.
    """
    if prepared.target is None:
        monitors.server.locate()
    run = RunDirectory.create(out, prepared.plan.name)
    screen.begins(run.path)
    run.listen(screen.event)
    manifest.write(run, prepared, __version__)
    interrupted = False
    try:
        await _play(prepared, run, screen)
    except asyncio.CancelledError:
        interrupted = True
        run.record("conductor", "interrupted")
    seal(run)
    ended = replace(judge(run.path), interrupted=interrupted)
    if not interrupted and prepared.control is None and ended.story.windows and replay.available():
        try:
            if await _attempt(run, "production", production.save(ended.story)):
                ended = replace(ended, verdict=_judged(ended.story))
        except asyncio.CancelledError:
            ended = replace(ended, interrupted=True)
    write_reports(ended)
    if ended.interrupted:
        screen.saved(run.path / "report.html", _interrupted(ended.story))
    return ended


def _interrupted(story: Story) -> str:
    if not story.start:
        return "interrupted before the first viewer"
    return f"interrupted at {clock(story.end - story.start)} of {clock(story.plan.duration)}"


async def _play(prepared: Prepared, run: RunDirectory, screen: Screen) -> None:
    """Everything that needs processes: they end with it, and so do their databases."""
    with swept("work-", run.path, unfinished=run.path) as work:
        async with Supervisor(run.path / "logs") as supervisor:
            run.record("conductor", "starting", target=prepared.plan.spec.target)
            target = await _target(prepared, supervisor, run, work)
            guard = Guard.of(target, prepared.allow_production)
            async with (
                Prometheus(prometheus_url(target)) as prometheus,
                pager(target, prepared.target is None, guard, prometheus, run) as pages,
            ):
                if prepared.target is not None:
                    await preflight.look(prepared, target, guard, prometheus)
                conductor = Conductor(prepared, target, guard, prometheus, run, pages)
                shown = asyncio.create_task(screen.watch(prometheus))
                before, began = await known_orders(target, guard), time.time()
                try:
                    await conductor.play(supervisor)
                finally:
                    shown.cancel()
                    series = extracts.save(run, prometheus, prepared.slos, began, time.time())
                    await _attempt(run, "ledger", save_books(run, target, guard, before))
                    grown = drift.save(run, prometheus, prepared.plan.spec.drift, began, time.time())
                    await _attempt(run, "drift", grown)
                    if await _attempt(run, "metrics", series):
                        looks = diagnosis.save(run, prometheus, prepared.slos, target.variables())
                        await _attempt(run, "diagnosis", looks)


async def _target(prepared: Prepared, supervisor: Supervisor, run: RunDirectory, work: Path) -> Target:
    """The target, started when it is the embedded one."""
    if prepared.target is not None:
        return prepared.target
    rules = embedded.write_rules(run.path / "metrics", prepared.slos)
    viewers = prepared.plan.spec.load.viewers
    live = embedded.live_processes(viewers)
    return await embedded.start(supervisor, work, rules, live, room=embedded.live_room(viewers, live))


async def _attempt(run: RunDirectory, what: str, collecting: Coroutine[Any, Any, object]) -> bool:
    """Save something that only the running parts know, and say whether it could be.

    A part that fails doesn't keep us from the next.
    """
    try:
        await collecting
    except FlashcrowdError as error:
        run.record("conductor", "not_collected", what=what, reason=str(error))
        return False
    return True


def judge(path: Path) -> Ended:
    """Judge a run directory and write its `verdict.json`. Raises InputError when it isn't one."""
    run = RunDirectory.open(path)
    story = read_story(run)
    return Ended(run, story, _judged(story))


def _judged(story: Story) -> Verdict:
    with readable(story.run):
        verdict = judging.judge(story)
    judging.save(story.run, verdict)
    return verdict


def write_reports(ended: Ended) -> list[Path]:
    """Write the reports, and the picture of `report.md` where there is anything to draw; their paths."""
    from gamedays.report.writers import WRITERS  # Altair takes half a second, which the first viewer need not wait for

    with readable(ended.run):
        texts = {name: write(ended.story, ended.verdict) for name, write in WRITERS.items()}
    return [ended.run.write_text(name, text) for name, text in texts.items() if text]


def summary(ended: Ended, as_json: bool) -> str:
    """What goes to standard output: the story for people, or the verdict for machines."""
    with readable(ended.run):
        if not as_json:
            return terminal.write(ended.story, ended.verdict)
        told = {"run": str(ended.run.path), **ended.verdict.as_dict(), "triads": triad_table.as_json(ended.story)}
        return json.dumps(told, indent=2, ensure_ascii=False)


def triads(path: Path, as_json: bool) -> str:
    """The table of a run's triads. Raises InputError when it isn't the run of a game day."""
    story = read_story(RunDirectory.open(path))
    with readable(story.run):
        return json.dumps(triad_table.as_json(story), indent=2) if as_json else triad_table.text(story)


def prometheus_url(target: Target) -> str:
    """Where the target's Prometheus is; checked to be there by `prepare`."""
    assert target.prometheus_url is not None
    return target.prometheus_url
