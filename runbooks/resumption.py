"""Resumption: what an earlier start of a run has done, and what of it may be done twice."""

from __future__ import annotations

import os

from flashcrowd.errors import InputError
from runbooks import stragglers
from runbooks.execution import Decision, State, StepResult
from runbooks.model import Heading, HttpStep, Runbook, ShStep, Step
from runbooks.records import Record
from runbooks.taker import Approve, Taker

SAFE_METHODS = ("GET", "HEAD", "PUT", "DELETE")
"""Methods that do the same once or twice (RFC 9110, 9.2.2)."""


class Resumption:
    """The earlier start of a run, and whom to ask about the step that it left under way.

    again: yes is "do it again", skip is "it is done"; None when nobody can be asked.
    """

    def __init__(self, record: Record, runbook: Runbook, taker: Taker, again: Approve | None) -> None:
        self.record, self._taker, self._again = record, taker, again
        self._under_way = runbook.step(record.under_way) if record.under_way is not None else None
        taker.tries = dict(record.tries)
        taker.in_place = [runbook.step(name) for name in record.in_place]

    def refuse_the_unknown(self) -> None:
        """Raise InputError when nobody can be asked of a step that was under way, and it mustn't be done twice."""
        step = self._under_way
        if step is None or self._again is not None or is_repeatable(step) or self.record.turned is not None:
            return
        raise InputError(
            f"{_unknown(step)}: resume on a terminal to be asked, take the run back with --rollback "
            f"{self.record.file}, or say on the page that the step is idempotent"
        )

    def begin(self) -> None:
        """Record that we go on, and end what is left of a script that was under way: it died with its process."""
        step, record = self._under_way, self.record
        self._taker.record(
            "resume",
            pid=os.getpid(),
            finished=list(record.finished),
            under_way=record.under_way,
            in_place=dict(record.in_place),
        )
        if isinstance(step, ShStep) and (pids := stragglers.end(stragglers.mark(record.run, step.name))):
            self._taker.record("stragglers", step, pids=pids)

    async def take(self, step: Step) -> StepResult:
        """The step's result: known from the earlier start, or taken now."""
        if (result := self._recalled(step)) is not None:
            return self._taker.recall(result)
        if step is not self._under_way or step.looks:
            return await self._taker.take(step)
        if self._again is not None:
            return await self._asked(step, self._again)
        if is_repeatable(step):
            return await self._taker.take(step)
        return self._taker.leave_out(step, State.SKIPPED, _unknown(step))

    async def _asked(self, step: Step, again: Approve) -> StepResult:
        decision = await self._taker.ask(step, again, again=True)
        if decision is Decision.YES:
            return await self._taker.take(step, asked=True)
        if decision is Decision.SKIP:
            return self._taker.count_as_done(step, "done, as answered")
        return self._taker.leave_out(step, State.SKIPPED, "as answered")

    def _recalled(self, step: Step) -> StepResult | None:
        """What came of the step, unless it has to be taken now.

        Verification is about now, and what has to be undone is known from what is in place. A look that failed is taken
        again, and so is a step that has tries left.
        """
        result = self.record.finished.get(step.name)
        if result is None or step is self._under_way or step.section in (Heading.VERIFICATION, Heading.ROLLBACK):
            return None
        if result.state is State.FAILED and (not step.changes or self.record.tries.get(step.name, 0) <= step.retries):
            return None
        return result


def is_repeatable(step: Step) -> bool:
    """Whether a step may be done again without asking, when nobody knows how far it came.

    It looks only; or its page says `idempotent`, or gives it `retries`, which are second times, too; or it is an HTTP
    request of a method that promises it.
    """
    if not step.acts or step.retries:
        return True
    if isinstance(step, HttpStep):
        return step.idempotent or step.method in SAFE_METHODS
    return isinstance(step, ShStep) and step.idempotent


def _unknown(step: Step) -> str:
    return f"nobody knows how far {step.name} came, and doing it twice might do harm"
