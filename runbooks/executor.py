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
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from flashcrowd.errors import FlashcrowdError, NeedError
from flashcrowd.guard import Guard
from runbooks.actions import ActionError, RefusedError, Seen
from runbooks.audit import Audit
from runbooks.execution import Decision, Execution, Outcome, State, StepResult, json_numbers
from runbooks.model import Heading, ManualStep, PromqlStep, Runbook, Step
from runbooks.performer import Performer
from runbooks.queries import Query
from runbooks.request import Mark

Approve = Callable[[Step], Awaitable[Decision]]
OnEvent = Callable[[str, dict[str, Any]], None]


class _RollBack(Exception):
    """The rest of the page is off; what was done has to be taken back."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


async def unattended(step: Step) -> Decision:
    """The answer when nobody is asked: yes, except to what only a person can do."""
    return Decision.SKIP if isinstance(step, ManualStep) else Decision.YES


class Executor:
    """One run of one runbook.

    query: PromQL in, the values of its series now out. variables: what `${...}` stands for, as Target.variables()
    gives; `${env.NAME}` is there besides. approve: asked before `approve` and manual steps. on_event: called with
    each line of the audit (kind, data) once it is on disk. labels: of the alert. poll, pause: seconds between two looks
    at something awaited, and before a retry. mark: the headers of http steps that tell the target who we are. target:
    its name, for the audit. worse_after: seconds for which the verification has to be worse than before the mitigation
    for that to be taken back at once; None waits for the verification's timeout.
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
        worse_after: float | None = None,
        target: str = "",
    ) -> None:
        self._worse_after = worse_after
        self._runbook, self._execute, self._target = runbook, execute, target
        self._performer = Performer(query, guard, variables, labels or {}, poll, mark)
        self._audit, self._approve, self._on_event, self._pause = audit, approve, on_event, pause
        self._results: list[StepResult] = []
        self._in_place: list[Step] = []
        self._rolling_back, self._must_record = False, True

    async def run(self) -> Execution:
        """Follow the page to its end.

        Raises:
            DocumentError: the page names a variable that there is none of; nothing was done.
            GuardError: the page would touch an address that the target doesn't allow; nothing was done.
            InputError: there is no Prometheus to ask; nothing was done.
            NeedError: the audit can't be written, and nothing was done; later the outcome is rolled_back instead.
        """
        await self._performer.check(self._runbook, self._execute)
        self._record("begin", **self._beginning())
        return await self._to_its_end(self._follow())

    async def take_back(self, reason: str) -> Execution:
        """Undo what is in place, last done first, in the same audit: after `run` ended, and the reason to act is gone.

        Nobody is asked, except for what only a person can do. The Execution tells of the taking back alone.

        Raises:
            DocumentError, GuardError: as `run`; nothing was done.
        """
        await self._performer.check(self._runbook, self._execute)
        self._results = []
        return await self._to_its_end(self._take_back(reason))

    async def _take_back(self, reason: str) -> tuple[Outcome, str]:
        message = await self._roll_back(reason)
        left = [step.name for step in self._in_place if step.undo is not None]
        return (Outcome.NOT_TAKEN_BACK if left else Outcome.TAKEN_BACK), message

    def _beginning(self) -> dict[str, Any]:
        """What a later start has to know to go on with this run. Variables are addresses; secrets are masked."""
        return {
            "execute": self._execute,
            "labels": dict(self._performer.labels),
            "target": self._target,
            "variables": dict(self._performer.variables),
            "pid": os.getpid(),
        }

    async def _to_its_end(self, way: Coroutine[Any, Any, tuple[Outcome, str]]) -> Execution:
        """Go a way and record how it ended, whatever happens on it."""
        started = time.time()
        try:
            outcome, message = await way
        except BaseException as error:
            self._must_record = False  # nothing may hide the error now
            self._record(
                "interrupted", error=type(error).__name__, in_place={step.name: step.undo for step in self._in_place}
            )
            raise
        in_place = tuple(step.name for step in self._in_place)
        self._must_record = False
        self._record("finish", outcome=outcome.value, message=message, in_place=list(in_place))
        return Execution(
            self._runbook.name, outcome, message, started, time.time(), self._matched(), in_place, tuple(self._results)
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
            if self._worse_after is not None:
                before = await self._performer.remember(self._runbook, self._worse_after)
                self._record("before", figures={name: json_numbers(values) for name, values in before.items()})
            for step in self._runbook.steps(Heading.MITIGATION):
                await self._mitigate(step)
            if not self._in_place:
                return Outcome.NOTHING_DONE, "no mitigation is for this cause, or each was skipped"
            return Outcome.RECOVERED, await self._verify()
        except _RollBack as turn:
            return turn.outcome, await self._roll_back(turn.reason)
        except NeedError as error:  # the audit's: no step reports its own failure so
            if not self._in_place:
                raise
            return Outcome.ROLLED_BACK, await self._roll_back(str(error))

    def _no_cause(self) -> str:
        """Why no mitigation is called for, or nothing when one may be."""
        causes = [step for step in self._runbook.steps(Heading.DIAGNOSIS) if isinstance(step, PromqlStep)]
        if not causes or self._matched() or self._performer.query is None:
            return ""
        unread = self._unread()
        return f"{', '.join(unread)} could not be read" if unread else "none of the known causes was found"

    def _unread(self) -> list[str]:
        """The causes that could not be looked for."""
        return [r.step for r in self._results if r.state is State.FAILED and r.section == Heading.DIAGNOSIS]

    def _matched(self) -> tuple[str, ...]:
        return tuple(result.step for result in self._results if result.state is State.MATCHED)

    def _plan(self) -> tuple[Outcome, str]:
        """What a run would do after this diagnosis."""
        for step in (*self._runbook.steps(Heading.MITIGATION), *self._runbook.steps(Heading.VERIFICATION)):
            reason = self._no_cause() or self._not_for(step)
            self._pass(step, State.SKIPPED if reason else State.PLANNED, reason)
        reason = self._no_cause()
        outcome = Outcome.UNREAD if reason and self._unread() else Outcome.DRY_RUN
        return outcome, f"{reason}; nothing would be done" if reason else "nothing was done"

    def _not_for(self, step: Step) -> str:
        """Why a mitigation isn't for the cause that was found, or nothing when it is."""
        known = step.when in (None, *self._matched()) or self._performer.query is None
        return "" if known else f"it is for {step.when}, which didn't match"

    async def _mitigate(self, step: Step) -> None:
        if reason := self._not_for(step):
            self._pass(step, State.SKIPPED, reason)
            return
        result = await self._take(step)
        if result.state is State.FAILED:
            raise _RollBack(Outcome.ROLLED_BACK, f"{step.name}: {result.message}")

    async def _verify(self) -> str:
        """What held, of all the verification steps."""
        held = []
        for step in self._runbook.steps(Heading.VERIFICATION):
            result = await self._take(step)
            if result.state is State.FAILED:
                raise _RollBack(Outcome.NOT_RECOVERED, f"{step.name}: {result.message}")
            held += [f"{step.name}: {result.message}"] if result.got else []
        return "; ".join(held)

    async def _roll_back(self, reason: str) -> str:
        """Take back, last first, what may be in place; a step that can't be taken back stays in `_in_place`."""
        self._rolling_back, self._must_record = True, False
        self._record("rollback", reason=reason, in_place=[step.name for step in self._in_place])
        for step in reversed(tuple(self._in_place)):
            if step.undo is None:
                continue
            result = await self._take(self._runbook.step(step.undo))
            if result.state is State.DONE:
                self._in_place.remove(step)
        return "; ".join([reason, *self._left()])

    def _left(self) -> list[str]:
        """What a rollback has left, in words: undone in vain, or without anything on the page to undo it."""
        by_hand = ", ".join(step.name for step in self._in_place if step.undo is not None)
        no_undo = ", ".join(step.name for step in self._in_place if step.undo is None)
        words = [f"still in place, take it back by hand: {by_hand}"] if by_hand else []
        return words + ([f"the page has no undo for {no_undo}"] if no_undo else [])

    async def _take(self, step: Step) -> StepResult:
        """Ask where the step wants it, then try until it succeeds or its retries are used up."""
        if isinstance(step, PromqlStep) and self._performer.query is None:
            return self._pass(step, State.PLANNED, "there is no Prometheus to ask")
        if isinstance(step, ManualStep) and not self._execute:
            return self._pass(step, State.PLANNED)
        if not await self._allowed(step):
            return self._pass(step, State.SKIPPED, "as answered")
        began, clock = time.time(), time.monotonic()
        for number in range(1, step.retries + 2):
            seen = await self._try(step, number)
            if seen.state is not State.FAILED or number > step.retries:
                break
            await asyncio.sleep(self._pause)
        result = _result(step, seen, began, round(time.monotonic() - clock, 3))
        self._results.append(result)
        return result

    async def _allowed(self, step: Step) -> bool:
        """Whether the step may be taken; a rollback asks only for what a person has to do."""
        asks = isinstance(step, ManualStep) or (step.approve and not self._rolling_back)
        if not (asks and self._execute):
            return True
        self._record("ask", step, what=self._performer.describe(step))
        decision = await self._approve(step)
        self._record("decision", step, decision=decision.value)
        if decision is Decision.ABORT and not self._rolling_back:
            raise _RollBack(Outcome.ABORTED, f"stopped at {step.name}")
        return decision is Decision.YES

    async def _try(self, step: Step, number: int) -> Seen:
        """One try, with a line in the audit before and after it. Whatever goes wrong is a failed step."""
        began = time.monotonic()
        undo = {"undo": step.undo} if _changes(step) else {}
        self._record("start", step, number=number, what=self._performer.describe(step), **undo)
        seen = await self._perform(step)
        seen = replace(seen, message=self._audit.clean(seen.message), output=self._audit.clean(seen.output))
        self._record(
            "end",
            step,
            number=number,
            state=seen.state.value,
            seconds=round(time.monotonic() - began, 3),
            message=seen.message,
            output=seen.output,
            **({"refused": True} if seen.refused else {}),
            **_figures(step, seen),
        )
        return seen

    async def _perform(self, step: Step) -> Seen:
        """The step's action. From its first instant on the step counts as in place, until it certainly isn't."""
        added = _changes(step) and step not in self._in_place
        if added:
            self._in_place.append(step)
        try:
            return await self._performer.perform(step)
        except RefusedError as error:
            if added:
                self._in_place.remove(step)
            return Seen(State.FAILED, str(error), error.output, refused=True)
        except ActionError as error:
            return Seen(State.FAILED, str(error), error.output)
        except FlashcrowdError as error:
            return Seen(State.FAILED, str(error))
        except Exception as error:  # the query isn't ours: a bug in it must not keep us from the rollback
            return Seen(State.FAILED, f"{type(error).__name__}: {error}")

    def _pass(self, step: Step, state: State, reason: str = "") -> StepResult:
        """A step that isn't taken, with the reason."""
        self._record(state.value, step, what=self._performer.describe(step), message=reason)
        result = _result(step, Seen(state, reason), time.time(), 0.0)
        self._results.append(result)
        return result

    def _record(self, kind: str, step: Step | None = None, **data: Any) -> None:
        """A line in the audit, then the same to whoever listens. Rollback and end go on without the audit."""
        place = {} if step is None else {"step": step.name, "section": step.section.value}
        row = self._audit.cleaned({"runbook": self._runbook.name, **place, **data})
        try:
            self._audit.write(kind, row)
        except NeedError:
            if self._must_record:
                raise
        self._on_event(kind, row)


def _changes(step: Step) -> bool:
    """Whether something may be in place after the step, and taken back."""
    return step.section is Heading.MITIGATION and not isinstance(step, PromqlStep)


def _result(step: Step, seen: Seen, began: float, seconds: float) -> StepResult:
    expected = str(step.expect) if isinstance(step, PromqlStep) and step.expect else None
    return StepResult(
        step.name, step.section.value, seen.state, began, seconds, seen.message, seen.output, expected, seen.values
    )


def _figures(step: Step, seen: Seen) -> dict[str, Any]:
    if not isinstance(step, PromqlStep):
        return {}
    return {"expected": str(step.expect) if step.expect else None, "got": json_numbers(seen.values)}
