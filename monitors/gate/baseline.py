"""Baseline: whether objectives went worse than in an earlier check, by more than chance.

An objective may be held and yet have become worse. It fails where so many bad events would come too seldom by chance,
if nothing had changed. Nothing here makes anything pass that didn't: what can't be compared is said.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flashcrowd.documents import document
from flashcrowd.errors import DocumentError, InputError, Problem
from flashcrowd.verdict import Finding, Outcome
from monitors.figures import bad_percent, count
from monitors.gate.check import Checked
from monitors.judge import Judgement
from monitors.slo import Slo

Events = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Lenient(BaseModel):
    """A part of what a later version of `slo check --json` may have written: it may know more than we do."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Row(_Lenient):
    """One objective of the earlier check; its figures are None where it had none."""

    slo: str
    bad: Events | None = None
    total: Events | None = None
    queries: str | None = None

    @model_validator(mode="after")
    def _counted(self) -> Row:
        if (self.bad is None) != (self.total is None) or (self.bad or 0) > (self.total or 0):
            raise ValueError("wants bad and total, and no more bad events than all")
        return self


class Baseline(_Lenient):
    """An earlier check. at: the end of its window, unix seconds."""

    at: Annotated[float, Field(allow_inf_nan=False)]
    window_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    objectives: tuple[Row, ...]

    @property
    def when(self) -> str:
        return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class Compared:
    """One objective beside the baseline.

    outcome: None where there was nothing to compare, which the message says. chance: of so many bad events now or more,
    if nothing had changed (0 to 1). limit: what it must not be below.
    """

    slo: str
    outcome: Outcome | None
    message: str
    chance: float | None = None
    limit: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON values; outcome is null where nothing was compared."""
        return {**asdict(self), "outcome": None if self.outcome is None else self.outcome.value}

    def finding(self) -> Finding | None:
        """It as a finding `baseline/SERVICE-NAME`; None where nothing was compared."""
        if self.outcome is None:
            return None
        return Finding(f"baseline/{self.slo}", self.outcome, self.message, {"chance": self.chance, "limit": self.limit})


def read(file: Path) -> Baseline:
    """The baseline in a file that `slo check --json` wrote. Raises DocumentError for anything else."""
    found = document(file)
    try:
        baseline = found.parse(Baseline)
        datetime.fromtimestamp(baseline.at, UTC)
    except DocumentError as error:
        raise DocumentError([*error.problems, Problem(file, 0, "", "is no result of slo check --json")]) from None
    except (ValueError, OverflowError, OSError):
        raise DocumentError([found.problem(("at",), "is no time")]) from None
    return baseline


def fingerprint(slo: Any) -> str | None:
    """What tells one SLI from another: a digest of its queries; None for what has none, as a composite."""
    if not isinstance(slo, Slo):
        return None
    return hashlib.sha256(json.dumps(slo.sli.model_dump(), sort_keys=True).encode()).hexdigest()[:16]


def chance_of(now: tuple[float, float], before: tuple[float, float]) -> float:
    """The chance (0 to 1) of so many bad events now or more, if nothing had changed; each is (bad, total), total > 0.

    Fisher's exact test, one-sided: given all bad events of both, how many of them fall to now is hypergeometric
    (R. A. Fisher (1935), "The logic of inductive inference", Journal of the Royal Statistical Society 98: 39-82). It
    never cries wolf more often than it says, which intervals of a difference, as Newcombe's, do where events are few
    now and many before: one bad event in 100 beside 1,700 in a million would be worse at 95 %, and comes every sixth
    time. Counts are rounded, as they are estimated from rates.
    """
    (bad, total), (bad_before, total_before) = (
        (round(one[0]), max(round(one[1]), round(one[0]))) for one in (now, before)
    )
    all_bad, all_ = bad + bad_before, total + total_before
    if bad * total_before <= bad_before * total:
        return 1.0  # no larger a share than before; it is half or more, and nobody asks how much
    log = _choices(total, bad) + _choices(total_before, bad_before) - _choices(all_, all_bad)
    term = sum_ = math.exp(log)
    for more in range(bad, min(all_bad, total)):  # beyond the middle each term is smaller than the one before
        left = all_bad - more
        term *= (total - more) * left / ((more + 1) * (total_before - left + 1))
        sum_ += term
        if term < sum_ * 1e-12:
            break
    return min(1.0, sum_)


def limit_of(confidence: float, comparisons: int) -> float:
    """The chance below which one comparison of several is a failure; at confidence 0 any larger share is one.

    It is half of what the confidence leaves, as only the one side counts, and shared out (Bonferroni): half of all
    gates with 30 objectives would fail by chance alone.
    """
    return 1.0 if confidence == 0 else (1 - confidence) / 2 / max(1, comparisons)


def compare(checked: Sequence[Checked], baseline: Baseline, start: float) -> list[Compared]:
    """Each objective beside the baseline, in order; then those that only the baseline has.

    start: of the window that was checked now, unix seconds. Events that both windows hold can't differ, so that a
    comparison of windows that overlap finds too little: it fails, or is inconclusive.

    Raises:
        InputError: the baseline has none of the objectives; it is of something else.
    """
    rows = {row.slo: row for row in baseline.objectives}
    here = [slo.id for slo, _ in checked]
    if not any(name in rows for name in here):
        raise InputError("--baseline: it has none of these objectives; give one of the same SLOs")
    pairs = sum(_hindrance(found, rows.get(found.slo.id)) is None for found in checked)
    overlap = max(0.0, baseline.at - start)
    compared = [_one(found, rows.get(found.slo.id), pairs, overlap) for found in checked]
    return compared + [_only_before(name) for name in rows if name not in here]


def _one(found: Checked, row: Row | None, pairs: int, overlap: float) -> Compared:
    slo, judgement = found
    hindrance = _hindrance(found, row)
    if hindrance is not None:
        return Compared(slo.id, *hindrance)
    assert row is not None and isinstance(slo, Slo), "else there is a hindrance"
    now, before = _events(judgement.bad, judgement.total), _events(row.bad, row.total)
    figures = f"{_share(now, slo)} bad, {_share(before, slo)} before"
    chance, limit = chance_of(now, before), limit_of(slo.rehearsal.confidence, pairs)
    if chance < limit:
        return Compared(slo.id, Outcome.FAIL, f"{figures}: worse by more than chance", chance, limit)
    if overlap > 0:
        message = f"{figures}, but {count(math.ceil(overlap))} s are in both windows; give an earlier one"
        return Compared(slo.id, Outcome.INCONCLUSIVE, message, chance, limit)
    within = "better" if chance_of(before, now) < limit else "within chance"
    return Compared(slo.id, Outcome.PASS, f"{figures}: {within}", chance, limit)


def _hindrance(found: Checked, row: Row | None) -> tuple[Outcome | None, str] | None:
    """Why an objective can't be compared, and what that comes to; None when it can.

    A new SLO, a changed or a removed one has nothing to be compared with: said, and no more, or nobody could ever
    change an SLO behind a gate. Figures that should be there and aren't are a doubt.
    """
    slo, judgement = found
    if row is None:
        return None, "not compared: not in the baseline"
    if not isinstance(slo, Slo):
        return None, "made of others, which are compared"
    if row.queries is not None and row.queries != fingerprint(slo):
        return None, "not compared: its queries are others than the baseline's"
    if slo.sli.raw is not None:
        return None, "not compared: a ratio without events can't be told from chance"
    return next(_too_few(slo, judgement, row), None)


def _too_few(slo: Slo, judgement: Judgement, row: Row) -> Iterator[tuple[Outcome, str]]:
    least = slo.rehearsal.min_events
    if judgement.bad is None or (judgement.total or 0) < least:
        yield Outcome.INCONCLUSIVE, f"{count(judgement.total or 0)} events, too few to compare ({count(least)})"
    if row.bad is None or (row.total or 0) < least:
        yield (
            Outcome.INCONCLUSIVE,
            f"the baseline has {count(row.total or 0)} events, too few to compare ({count(least)}); save a longer one",
        )


def _only_before(name: str) -> Compared:
    return Compared(name, None, "in the baseline, but no longer judged")


def _choices(total: int, some: int) -> float:
    """The logarithm of the binomial coefficient."""
    return math.lgamma(total + 1) - math.lgamma(some + 1) - math.lgamma(total - some + 1)


def _events(bad: float | None, total: float | None) -> tuple[float, float]:
    return (bad or 0.0), (total or 0.0)


def _share(events: tuple[float, float], slo: Slo) -> str:
    return bad_percent(events[0] / events[1], slo.budget)
