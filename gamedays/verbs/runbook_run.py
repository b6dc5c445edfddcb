"""Runbook run: a runbook followed by hand, at a target and its Prometheus; `flashcrowd runbook run` in code."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from flashcrowd.errors import FlashcrowdError, InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.interrupt import Interrupted
from flashcrowd.mark import mark_headers
from flashcrowd.target import Target, read_target
from monitors.prometheus import Prometheus
from runbooks import catalogue, records
from runbooks.adoption import check_same
from runbooks.audit import Audit
from runbooks.choice import Way, refusal
from runbooks.execution import Execution
from runbooks.executor import Executor
from runbooks.model import Runbook
from runbooks.queries import Query
from runbooks.records import Record
from runbooks.terminal import Terminal
from runbooks.unfinished import followed, give_up, unfinished


@dataclass(frozen=True)
class Following:
    """What is wanted. resume, rollback: the audit of a run that was cut off, to go on with it or to take it back; both
    act. anew: begin a new run although one was cut off. out: the folder for audits. labels: of the alert. production:
    the target's name, typed again."""

    name: str
    target: Path | None = None
    prometheus: str | None = None
    out: Path = Path("runs/runbooks")
    execute: bool = False
    yes: bool = False
    resume: Path | None = None
    rollback: Path | None = None
    anew: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    production: str | None = None

    @property
    def acts(self) -> bool:
        return self.execute or self.resume is not None or self.rollback is not None


async def follow(wanted: Following) -> Execution:
    """Follow a runbook, showing each step on standard output; its audit goes to `out`.

    Raises:
        InputError, GuardError: nothing was done; a run that was cut off is told of. NeedError: the audit can't be
        written. Interrupted: the person wanted to do nothing.
    """
    runbook, platform = catalogue.find(wanted.name), _platform(wanted)
    keyboard = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    terminal = Terminal(runbook, sys.stdout, keyboard, wanted.yes)
    way, earlier = await _way(wanted, runbook, terminal)
    async with AsyncExitStack() as stack:
        query = None
        if platform.url is not None:
            query = _query(await stack.enter_async_context(Prometheus(platform.url)))
        audit = stack.enter_context(_audit(wanted, runbook, earlier))
        if earlier is not None:
            earlier = _reread(earlier)  # now that nobody else can write to it
            check_same(earlier, runbook, platform.name, platform.variables, audit, wanted.labels)
        executor = Executor(
            runbook,
            query=query,
            guard=platform.guard,
            variables=platform.variables,
            audit=audit,
            execute=wanted.acts,
            approve=terminal.approve,
            on_event=terminal.on_event,
            labels={**(earlier.labels if earlier is not None else {}), **wanted.labels},
            mark=platform.mark,
            target=platform.name,
            on_progress=terminal.on_progress,
            earlier=earlier,
            again=terminal.again if terminal.can_ask else None,
        )
        if way is Way.RESUME:
            return await executor.resume()
        return await (executor.take_back("asked to take it back") if way is Way.BACK else executor.run())


@dataclass(frozen=True)
class _Platform:
    """What a runbook acts upon; without a target nothing. url: of its Prometheus."""

    target: Target | None
    guard: Guard
    url: str | None

    @property
    def name(self) -> str:
        return self.target.name if self.target is not None else ""

    @property
    def variables(self) -> dict[str, str]:
        return self.target.variables() if self.target is not None else {}

    def mark(self) -> Mapping[str, str]:
        return mark_headers(self.target) if self.target is not None else {}


def _platform(wanted: Following) -> _Platform:
    """Raises InputError when we are to act and no target is named, GuardError when it forbids an address."""
    target = read_target(wanted.target) if wanted.target is not None else None
    if wanted.acts and target is None:
        raise InputError("to act on a platform, say which: add --target FILE")
    guard = Guard.of(target, wanted.production) if target is not None else Guard(())
    url = wanted.prometheus or (target.prometheus_url if target is not None else None)
    if url is not None and target is not None:
        guard.check_url(url, "--prometheus")
    return _Platform(target, guard, url)


def _query(server: Prometheus) -> Query:
    async def query(promql: str) -> list[float]:
        return [sample.value for sample in await server.query(promql)]

    return query


async def _way(wanted: Following, runbook: Runbook, terminal: Terminal) -> tuple[Way, Record | None]:
    """What to do, and the run to do it with: as the command line says, or as the person answers.

    Raises:
        InputError: it can't be done, or there is nobody to ask. Interrupted: the person wanted to do nothing.
    """
    if wanted.resume is not None:
        return Way.RESUME, _resumable(wanted.resume)
    if wanted.rollback is not None:
        return Way.BACK, _with_something_in_place(wanted.rollback)
    if not wanted.execute:
        return Way.NEW, None
    _refuse_a_second(wanted, runbook)
    left = [one for one in unfinished(wanted.out) if one.runbook == runbook.name]
    harmful = [one for one in left if one.in_place]
    if harmful and not (wanted.anew or terminal.can_ask):
        raise refusal(harmful, runbook.name)
    for record in reversed(left):
        if record.in_place and not wanted.anew:
            way = await terminal.choose(record)
            if way is Way.QUIT:
                raise Interrupted("nothing was done")
            if way is not Way.NEW:
                return way, record
        else:
            terminal.say(f"an earlier run ended early and {_left(record)}; see {record.file}")
        with suppress(FlashcrowdError):  # it is asked about again then, no more
            give_up(record, "a new run was begun")
    return Way.NEW, None


def labels(texts: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` each. Raises InputError where one is written otherwise."""
    for text in texts:
        if not text.partition("=")[1] or not text.partition("=")[0]:
            raise InputError(f"--label {text}: write NAME=VALUE")
    return {name: value for name, _, value in (text.partition("=") for text in texts)}


def _left(record: Record) -> str:
    return f"left in place {', '.join(record.in_place)}" if record.in_place else "changed nothing"


def _refuse_a_second(wanted: Following, runbook: Runbook) -> None:
    for record in followed(wanted.out):
        if record.runbook == runbook.name and not wanted.anew:
            raise InputError(
                f"{runbook.name} is being followed by {record.who} now (process {record.pid}, {record.file}); "
                "two at once would get in each other's way. To begin all the same, add --anew"
            )


def _resumable(file: Path) -> Record:
    found = _runs(file)
    open_ones = [record for record in found if record.outcome in (None, "given_up")]
    if not open_ones:
        raise InputError(f"the run in {file} has ended ({found[-1].outcome}); there is nothing to go on with")
    return open_ones[-1]


def _with_something_in_place(file: Path) -> Record:
    found = [record for record in _runs(file) if record.in_place]
    if not found:
        raise InputError(f"nothing of the run in {file} is in place; there is nothing to take back")
    return found[-1]


def _runs(file: Path) -> list[Record]:
    try:
        found = records.read(file)
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}") from None
    if not found:
        raise InputError(f"{file} is no audit of a runbook")
    return found


def _reread(record: Record) -> Record:
    return next(one for one in records.read(record.file) if one.run == record.run)


def _audit(wanted: Following, runbook: Runbook, earlier: Record | None) -> Audit:
    """The earlier run's, locked; or a new one."""
    if earlier is not None:
        return Audit(earlier.file, run=earlier.run)
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    try:
        wanted.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NeedError(f"{wanted.out} can't be made: {error.strerror}; choose another folder with --out") from None
    names = (f"{stamp}-{runbook.name}{number}.jsonl" for number in chain([""], (f"-{n}" for n in count(2))))
    return Audit(next(file for name in names if not (file := wanted.out / name).exists()))
