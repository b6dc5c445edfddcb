"""Executor: follows a runbook, one step at a time, and takes back what it did when that didn't help.

First five minutes → Diagnosis → Mitigation → Verification → recovered
                        │            │             └ doesn't hold ──→ rollback → not_recovered
                        │            ├ a step fails ────────────────→ rollback → rolled_back
                        │            ├ a person aborts ─────────────→ rollback → aborted
                        │            └ each step was skipped → nothing_done
                        ├ none of the causes matches → no_cause_found
                        ├ none matches, one unreadable → unread
                        └ dry run → dry_run

Rollback takes back, last done first and going on past errors, every mitigation that acted or may have: a step that
timed out may have, one that the guard or a 4xx refused hasn't.

Cancellation (Ctrl-C) ends the current step and takes nothing back. The mitigation may be all that keeps the platform
up, and whoever presses Ctrl-C asks us to do less, not more; "abort and undo" is there to be asked for. The audit's last
line is then `interrupted` and names what is in place and which steps undo it.

A run that was cut off, by Ctrl-C or a crash, is gone on with from its audit: `resume` or `take_back` of an Executor
that is given its Record. No step that has ended is done twice; of one that was under way a person is asked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Coroutine, Mapping
from typing import Any

from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from runbooks.audit import Audit
from runbooks.execution import Decision, Execution, Outcome, State, StepResult
from runbooks.fingerprints import of_runbook
from runbooks.labels import within_bounds
from runbooks.model import Heading, ManualStep, PromqlStep, Runbook, Step, WaitStep
from runbooks.performer import OnProgress, Performer
from runbooks.queries import Query
from runbooks.records import Record
from runbooks.request import Mark
from runbooks.resumption import Resumption
from runbooks.taker import Approve, OnEvent, RollBackError, Taker


async def unattended(step: Step) -> Decision:
    """The answer when nobody is asked: yes, except to what only a person can do."""
    return Decision.SKIP if isinstance(step, ManualStep) else Decision.YES


class Executor:
    """One run of one runbook.

    query: PromQL in, the values of its series now out. variables: what `${...}` stands for, as Target.variables()
    gives; `${env.NAME}` is there besides. approve: asked before `approve` and manual steps. on_event: called with
    each line of the audit (kind, data) once it is on disk. labels: of the alert. poll, pause: seconds between two looks
    at something awaited, and before a retry. mark: the headers of http steps that tell the target who we are. target:
    its name, for the audit. on_progress: called while a step waits. earlier: the run of this audit so far, when it is
    gone on with. again: asked about a step of it of which nobody knows how far it came (yes: do it again; skip: it is
    done); without it, such a step is done again where that does no harm.
    """

    def __init__(
        self,
        runbook: Runbook,
        *,
        query: Query | None,
        guard: Guard,
        variables: Mapping[str, str],
        audit: Audit,
        execute: bool,
        approve: Approve = unattended,
        on_event: OnEvent = lambda kind, data: None,
        labels: Mapping[str, str] | None = None,
        poll: float = 0.5,
        pause: float = 1.0,
        mark: Mark = dict,
        target: str = "",
        on_progress: OnProgress = lambda step, words: None,
        earlier: Record | None = None,
        again: Approve | None = None,
    ) -> None:
        self._runbook, self._execute, self._target = runbook, execute, target
        self._audit = audit
        self._labels_given = len(labels or {})
        self._performer = Performer(
            query, guard, variables, within_bounds(labels or {}), poll, mark, audit.run, on_progress
        )
        self._taker = Taker(runbook, self._performer, audit, execute, approve, on_event, pause)
        self._resumption = None if earlier is None else Resumption(earlier, runbook, self._taker, again)

    async def run(self) -> Execution:
        """Follow the page to its end.

        Raises:
            DocumentError: the page names a variable that there is none of; nothing was done.
            GuardError: the page would touch an address that the target doesn't allow; nothing was done.
            InputError: there is no Prometheus to ask; nothing was done.
            NeedError: the audit can't be written, and nothing was done; later the outcome is rolled_back instead.
        """
        await self._performer.check(self._runbook, self._execute)
        self._taker.record("begin", **self._beginning())
        return await self._to_its_end(self._follow())

    async def resume(self) -> Execution:
        """Go on with the earlier run, to its end: with the page, or with the rollback it had turned to.

        Raises:
            InputError: a step was under way of which nobody can be asked, and that mustn't be done twice.
            DocumentError, GuardError, NeedError: as `run`; nothing more was done.
        """
        assert self._resumption is not None, "give the Executor the earlier run"
        await self._performer.check(self._runbook, self._execute)
        self._resumption.refuse_the_unknown()
        self._resumption.begin()
        record = self._resumption.record
        if record.turned is not None:
            outcome = Outcome(record.turned_to or Outcome.ROLLED_BACK)
            return await self._to_its_end(self._back(record.turned, outcome))
        return await self._to_its_end(self._follow())

    async def take_back(self, reason: str) -> Execution:
        """Undo what is in place, last done first, in the same audit: of a run that ended, or of the earlier one.

        Nobody is asked, except for what only a person can do. The Execution tells of the taking back alone.

        Raises:
            DocumentError, GuardError: as `run`; nothing was done.
        """
        await self._performer.check(self._runbook, self._execute)
        self._taker.results = []
        if self._resumption is not None:
            self._resumption.begin()
        return await self._to_its_end(self._back(reason, Outcome.TAKEN_BACK))

    def _beginning(self) -> dict[str, Any]:
        """What a later start has to know to go on with this run. Variables are addresses; secrets are masked."""
        labels = dict(self._performer.labels)
        cleaned = self._audit.cleaned(labels)
        return {
            "execute": self._execute,
            "labels": labels,
            **({"labels_left_out": left_out} if (left_out := self._labels_given - len(labels)) else {}),
            "altered": [name for name in labels if cleaned[name] != labels[name]],
            "target": self._target,
            "variables": dict(self._performer.variables),
            "fingerprint": of_runbook(self._runbook),
            "pid": os.getpid(),
        }

    async def _to_its_end(self, way: Coroutine[Any, Any, tuple[Outcome, str]]) -> Execution:
        """Go a way and record how it ended, whatever happens on it."""
        started, taker = time.time(), self._taker
        try:
            outcome, message = await way
        except BaseException as error:
            taker.must_record = False  # nothing may hide the error now
            in_place = {step.name: step.undo for step in taker.in_place}
            taker.record("interrupted", error=type(error).__name__, in_place=in_place)
            raise
        left = tuple(step.name for step in taker.in_place)
        taker.must_record = False
        taker.record("finish", outcome=outcome.value, message=message, in_place=list(left))
        matched = self._matched()
        return Execution(
            self._runbook.name, outcome, message, started, time.time(), matched, left, tuple(taker.results)
        )

    async def _follow(self) -> tuple[Outcome, str]:
        try:
            for step in (*self._runbook.steps(Heading.FIRST), *self._runbook.steps(Heading.DIAGNOSIS)):
                await self._take(step)
            if not self._execute:
                return self._plan()
            if self._no_cause():
                outcome = Outcome.UNREAD if self._unread() else Outcome.NO_CAUSE_FOUND
                return outcome, f"{self._no_cause()}; nothing was done"
            for step in self._runbook.steps(Heading.MITIGATION):
                await self._mitigate(step)
            if not self._taker.in_place:
                return Outcome.NOTHING_DONE, "no mitigation is for this cause, or each was skipped"
            return Outcome.RECOVERED, await self._verify()
        except RollBackError as turn:
            return await self._back(turn.reason, turn.outcome)
        except NeedError as error:  # the audit's: no step reports its own failure so
            if not self._taker.in_place:
                raise
            return await self._back(str(error), Outcome.ROLLED_BACK)

    async def _take(self, step: Step) -> StepResult:
        return await (self._taker if self._resumption is None else self._resumption).take(step)

    def _no_cause(self) -> str:
        """Why no mitigation is called for, or nothing when one may be."""
        causes = [step for step in self._runbook.steps(Heading.DIAGNOSIS) if isinstance(step, PromqlStep)]
        if not causes or self._matched() or self._performer.query is None:
            return ""
        unread = self._unread()
        return f"{', '.join(unread)} could not be read" if unread else "none of the known causes was found"

    def _unread(self) -> list[str]:
        """The causes that could not be looked for."""
        return self._taker.of_section(Heading.DIAGNOSIS, State.FAILED)

    def _matched(self) -> tuple[str, ...]:
        return tuple(self._taker.of_section(Heading.DIAGNOSIS, State.MATCHED))

    def _plan(self) -> tuple[Outcome, str]:
        """What a run would do after this diagnosis."""
        for step in (*self._runbook.steps(Heading.MITIGATION), *self._runbook.steps(Heading.VERIFICATION)):
            reason = self._no_cause() or self._not_for(step)
            self._taker.leave_out(step, State.SKIPPED if reason else State.PLANNED, reason)
        reason = self._no_cause()
        outcome = Outcome.UNREAD if reason and self._unread() else Outcome.DRY_RUN
        return outcome, f"{reason}; nothing would be done" if reason else "nothing was done"

    def _not_for(self, step: Step) -> str:
        """Why a mitigation isn't for the cause that was found, or nothing when it is."""
        known = step.when in (None, *self._matched()) or self._performer.query is None
        return "" if known else f"it is for {step.when}, which didn't match"

    async def _mitigate(self, step: Step) -> None:
        reason = self._not_for(step)
        if isinstance(step, WaitStep) and not self._taker.in_place:
            reason = reason or "nothing was done that it would wait for"
        if reason:
            self._taker.leave_out(step, State.SKIPPED, reason)
            return
        result = await self._take(step)
        if result.state is State.FAILED:
            raise RollBackError(Outcome.ROLLED_BACK, f"{step.name}: {result.message}")

    async def _verify(self) -> str:
        """What held, of all the verification steps."""
        held = []
        for step in self._runbook.steps(Heading.VERIFICATION):
            result = await self._take(step)
            if result.state is State.FAILED:
                raise RollBackError(Outcome.NOT_RECOVERED, f"{step.name}: {result.message}")
            held += [f"{step.name}: {result.message}"] if result.got else []
        return "; ".join(held)

    async def _back(self, reason: str, outcome: Outcome) -> tuple[Outcome, str]:
        """Take back, last first, what may be in place; a step that can't be taken back stays in place."""
        taker = self._taker
        taker.rolling_back, taker.must_record = True, False
        taker.record("rollback", reason=reason, outcome=outcome.value, in_place=[step.name for step in taker.in_place])
        for step in reversed(tuple(taker.in_place)):
            if step.undo is None:
                continue
            result = await self._take(self._runbook.step(step.undo))
            if result.state is State.DONE:
                taker.in_place.remove(step)
        failed = any(step.undo is not None for step in taker.in_place)
        if outcome is Outcome.TAKEN_BACK and failed:
            outcome = Outcome.NOT_TAKEN_BACK
        return outcome, "; ".join([reason, *self._left()])

    def _left(self) -> list[str]:
        """What a rollback has left, in words: undone in vain, or without anything on the page to undo it."""
        by_hand = ", ".join(step.name for step in self._taker.in_place if step.undo is not None)
        no_undo = ", ".join(step.name for step in self._taker.in_place if step.undo is None)
        words = [f"still in place, take it back by hand: {by_hand}"] if by_hand else []
        return words + ([f"the page has no undo for {no_undo}"] if no_undo else [])
