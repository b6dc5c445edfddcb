"""Execution: what came of one run of a runbook, as a whole and step by step."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from flashcrowd.errors import ExitCode


class Decision(StrEnum):
    """What a person says when asked about a step; of a manual step YES means that it is done."""

    YES = "yes"
    SKIP = "skip"
    ABORT = "abort"


class State(StrEnum):
    """How a step ended."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    PLANNED = "planned"


class Outcome(StrEnum):
    """How a run ended.

    recovered        verification held
    not_recovered    verification did not hold; what was done was taken back
    rolled_back      a step failed; what was done was taken back
    aborted          a person said so; what was done was taken back
    no_cause_found   none of the causes that the page knows was found, and nothing was done
    nothing_done     a cause was found, but no mitigation is for it, or each was skipped
    unread           a cause could not be looked for, as Prometheus didn't answer, and nothing was done
    dry_run          nothing was to be done
    taken_back       what was in place was taken back, as asked
    not_taken_back   the same, but an undo failed or was skipped: something is still in place
    """

    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    NO_CAUSE_FOUND = "no_cause_found"
    NOTHING_DONE = "nothing_done"
    UNREAD = "unread"
    DRY_RUN = "dry_run"
    TAKEN_BACK = "taken_back"
    NOT_TAKEN_BACK = "not_taken_back"

    @property
    def exit_code(self) -> ExitCode:
        if self is Outcome.UNREAD:
            return ExitCode.INCONCLUSIVE
        return ExitCode.PASS if self in (Outcome.RECOVERED, Outcome.DRY_RUN, Outcome.TAKEN_BACK) else ExitCode.FAIL


@dataclass(frozen=True)
class StepResult:
    """One step of a run.

    started: unix seconds. seconds: how long it took, retries included. expected: as written. got: the query's values.
    message: one sentence without a full stop. output: what came back, masked and bounded.
    """

    step: str
    section: str
    state: State
    started: float
    seconds: float
    message: str = ""
    output: str = ""
    expected: str | None = None
    got: tuple[float, ...] = ()


@dataclass(frozen=True)
class Execution:
    """One run.

    started, ended: unix seconds. matched: the Diagnosis steps that found their cause. in_place: Mitigation steps that
    are in effect at the end, or may be: after a rollback, those that could not be taken back. message: one sentence.
    """

    runbook: str
    outcome: Outcome
    message: str
    started: float
    ended: float
    matched: tuple[str, ...]
    in_place: tuple[str, ...]
    results: tuple[StepResult, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for a run directory."""
        rows = [{**asdict(result), "got": json_numbers(result.got)} for result in self.results]
        return {**asdict(self), "results": rows}


def json_numbers(values: Iterable[float]) -> list[float | str]:
    """Numbers as JSON can hold them: NaN and the infinities, which Prometheus answers with, as texts."""
    return [value if math.isfinite(value) else str(value) for value in values]
