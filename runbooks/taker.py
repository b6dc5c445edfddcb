"""Taker: takes the steps of a run, one at a time, each in the audit before it acts; knows what is in place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from flashcrowd.errors import FlashcrowdError, NeedError
from runbooks.actions import ActionError, RefusedError, Seen
from runbooks.audit import Audit
from runbooks.execution import Decision, Outcome, State, StepResult, json_numbers
from runbooks.model import Heading, ManualStep, PromqlStep, Runbook, Step
from runbooks.performer import Performer

Approve = Callable[[Step], Awaitable[Decision]]
OnEvent = Callable[[str, dict[str, Any]], None]


class RollBackError(Exception):
    """The rest of the page is off; what was done has to be taken back."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


class Taker:
    """One run's steps. results: what came of each. in_place: what changed the platform, or may have, first done first.

    tries: of an earlier start, by step. rolling_back: nobody is asked any more, but for what only a person can do.
    must_record: a line that can't be written is an error; without it the run goes on, as a rollback has to.
    """

    def __init__(
        self,
        runbook: Runbook,
        performer: Performer,
        audit: Audit,
        execute: bool,
        approve: Approve,
        on_event: OnEvent,
        pause: float,
    ) -> None:
        self._runbook, self._performer, self._audit, self._execute = runbook, performer, audit, execute
        self._approve, self._on_event, self._pause = approve, on_event, pause
        self.results: list[StepResult] = []
        self.in_place: list[Step] = []
        self.tries: dict[str, int] = {}
        self.rolling_back, self.must_record = False, True

    async def take(self, step: Step, asked: bool = False) -> StepResult:
        """Ask where the step wants it and nobody was `asked` yet, then try until it succeeds or may be tried no more.

        Raises:
            RollBackError: a person said so. NeedError: the audit can't be written.
        """
        if isinstance(step, PromqlStep) and self._performer.query is None:
            return self.leave_out(step, State.PLANNED, "there is no Prometheus to ask")
        if isinstance(step, ManualStep) and not self._execute:
            return self.leave_out(step, State.PLANNED)
        if not (asked or await self._allowed(step)):
            return self.leave_out(step, State.SKIPPED, "as answered")
        began, clock = time.time(), time.monotonic()
        first = self.tries.get(step.name, 0) + 1 if step.changes else 1
        for number in range(first, max(first, step.retries + 1) + 1):
            seen = await self._try(step, number)
            if seen.state is not State.FAILED or number > step.retries:
                break
            await asyncio.sleep(self._pause)
        return self._keep(_result(step, seen, began, round(time.monotonic() - clock, 3)))

    def leave_out(self, step: Step, state: State, reason: str = "") -> StepResult:
        """A step that isn't taken, with the reason."""
        self.record(state.value, step, what=self._performer.describe(step), message=reason)
        return self._keep(_result(step, Seen(state, reason), time.time(), 0.0))

    def count_as_done(self, step: Step, message: str) -> StepResult:
        """A step of an earlier start whose end nobody recorded, and of which a person says that it is done."""
        self._record_end(step, self.tries.get(step.name, 1), Seen(State.DONE, message), 0.0)
        return self._keep(_result(step, Seen(State.DONE, message), time.time(), 0.0))

    def recall(self, result: StepResult) -> StepResult:
        """A step that an earlier start has finished."""
        return self._keep(result)

    def record(self, kind: str, step: Step | None = None, **data: Any) -> None:
        """A line in the audit, then the same to whoever listens."""
        place = {} if step is None else {"step": step.name, "section": step.section.value}
        row = self._audit.line({"runbook": self._runbook.name, **place, **data})
        try:
            self._audit.write(kind, row)
        except NeedError:
            if self.must_record:
                raise
        self._on_event(kind, row)

    async def ask(self, step: Step, approve: Approve, **data: Any) -> Decision:
        """Ask a person about a step, question and answer in the audit."""
        self.record("ask", step, what=self._performer.describe(step), **data)
        decision = await approve(step)
        self.record("decision", step, decision=decision.value)
        if decision is Decision.ABORT and not self.rolling_back:
            raise RollBackError(Outcome.ABORTED, f"stopped at {step.name}")
        return decision

    async def _allowed(self, step: Step) -> bool:
        """Whether the step may be taken; a rollback asks only for what a person has to do."""
        asks = isinstance(step, ManualStep) or (step.approve and not self.rolling_back)
        if not (asks and self._execute):
            return True
        return await self.ask(step, self._approve) is Decision.YES

    async def _try(self, step: Step, number: int) -> Seen:
        """One try, with a line in the audit before and after it. Whatever goes wrong is a failed step."""
        began = time.monotonic()
        undo = {"undo": step.undo} if step.changes else {}
        self.record("start", step, number=number, what=self._performer.describe(step), **undo)
        seen = await self._perform(step)
        seen = replace(seen, message=self._audit.clean(seen.message), output=self._audit.clean(seen.output))
        self._record_end(step, number, seen, time.monotonic() - began)
        return seen

    def _record_end(self, step: Step, number: int, seen: Seen, seconds: float) -> None:
        figures = {"message": seen.message, "output": seen.output, **_figures(step, seen)}
        refused = {"refused": True} if seen.refused else {}
        state = seen.state.value
        self.record("end", step, number=number, state=state, seconds=round(seconds, 3), **refused, **figures)

    async def _perform(self, step: Step) -> Seen:
        """The step's action. From its first instant on the step counts as in place, until it certainly isn't."""
        added = step.changes and step not in self.in_place
        if added:
            self.in_place.append(step)
        try:
            return await self._performer.perform(step)
        except RefusedError as error:
            if added:
                self.in_place.remove(step)
            return Seen(State.FAILED, str(error), error.output, refused=True)
        except ActionError as error:
            return Seen(State.FAILED, str(error), error.output)
        except FlashcrowdError as error:
            return Seen(State.FAILED, str(error))
        except Exception as error:  # the query isn't ours: a bug in it must not keep us from the rollback
            return Seen(State.FAILED, f"{type(error).__name__}: {error}")

    def _keep(self, result: StepResult) -> StepResult:
        self.results.append(result)
        return result

    def of_section(self, heading: Heading, state: State) -> list[str]:
        """The names of the section's steps that ended so."""
        return [result.step for result in self.results if (result.section, result.state) == (heading, state)]


def _result(step: Step, seen: Seen, began: float, seconds: float) -> StepResult:
    expected = str(step.expect) if isinstance(step, PromqlStep) and step.expect else None
    return StepResult(
        step.name, step.section.value, seen.state, began, seconds, seen.message, seen.output, expected, seen.values
    )


def _figures(step: Step, seen: Seen) -> dict[str, Any]:
    if not isinstance(step, PromqlStep):
        return {}
    return {"expected": str(step.expect) if step.expect else None, "got": json_numbers(seen.values)}
