"""Diagnosis evidence: what every diagnosis query of all known runbooks said, in health and under each fault of a run.

A step is only worth its name if it says yes under its own fault and no under the others and in health. So each is
asked over the whole run, once a second, while Prometheus is still there.

metrics/diagnosis.json    conditions; for each query where its expectation held, and how often under each condition
"""

from __future__ import annotations

import asyncio
import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flashcrowd.errors import InputError
from flashcrowd.rundir import RunDirectory
from gamedays.evidence.candidates import Candidate, LeftOut, known_runbooks, probes, steps
from gamedays.evidence.conditions import Condition, conditions
from gamedays.playing.extracts import MOST_POINTS
from gamedays.story.story import read_story
from monitors.prometheus import Prometheus
from monitors.slo import Slo
from runbooks.expectation import Comparison

FILE = "metrics/diagnosis.json"
STEP = 1.0
AT_ONCE = 8
"""Queries in flight; Prometheus works on 20 at once by default."""


@dataclass(frozen=True)
class Under:
    """How a query was under one condition.

    condition: its number. seconds: looked at. held: of them, where the expectation held; None of a probe. silent: where
    there were no data, which is never what was expected. low, mid, high: deciles 1, 5 and 9 of the values.
    """

    condition: int
    seconds: int
    held: int | None
    silent: int
    low: float | None
    mid: float | None
    high: float | None


@dataclass(frozen=True)
class Looked:
    """One query over a whole run. held: from when until when its expectation held, unix seconds."""

    name: str
    runbook: str | None
    query: str
    expect: str | None
    reach: float
    held: tuple[tuple[float, float], ...]
    under: tuple[Under, ...]


@dataclass(frozen=True)
class Diagnosis:
    """All that was looked at in a run."""

    conditions: tuple[Condition, ...]
    looked: tuple[Looked, ...]
    left_out: tuple[LeftOut, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Diagnosis:
        """The inverse of `asdict`. Raises TypeError or KeyError when it is something else."""
        looked = [
            Looked(**{**row, "held": tuple(map(tuple, row["held"])), "under": tuple(Under(**u) for u in row["under"])})
            for row in data["looked"]
        ]
        return cls(
            tuple(Condition(**{**row, "beside": tuple(row["beside"])}) for row in data["conditions"]),
            tuple(looked),
            tuple(LeftOut(**row) for row in data["left_out"]),
        )


def load(run: RunDirectory) -> Diagnosis | None:
    """What a run has left; None when there is nothing, or it is of another version."""
    try:
        return Diagnosis.from_dict(run.read_json(FILE))
    except (InputError, TypeError, KeyError):
        return None


async def save(
    run: RunDirectory, prometheus: Prometheus, slos: Sequence[Slo], variables: Mapping[str, str]
) -> Diagnosis:
    """Ask everything over the run that has just been played, and write `metrics/diagnosis.json`.

    Raises:
        NeedError: Prometheus doesn't answer, or the file can't be written.
    """
    story = read_story(run)
    pages, unread = known_runbooks(slos)
    asked, unasked = steps(pages, variables)
    asked += await probes(prometheus)
    found, gate = conditions(story), asyncio.Semaphore(AT_ONCE)

    async def look(candidate: Candidate) -> Looked | LeftOut:
        async with gate:
            try:
                values = await _values(prometheus, candidate.query, story.start, story.end)
            except InputError as error:
                return LeftOut(candidate.runbook or "", candidate.name, str(error))
        return looked(candidate, values, found, story.start, story.end)

    told = await asyncio.gather(*map(look, asked))
    refused = [one for one in told if isinstance(one, LeftOut)]
    done = Diagnosis(tuple(found), tuple(one for one in told if isinstance(one, Looked)), (*unread, *unasked, *refused))
    run.write_json(FILE, asdict(done))
    return done


def looked(
    candidate: Candidate, values: Mapping[int, list[float]], found: Sequence[Condition], start: float, end: float
) -> Looked:
    """One query from its values by whole second. As for an executor, all of its series have to be as expected."""
    expected = Comparison.parse(candidate.expect) if candidate.expect is not None else None
    seconds = range(math.ceil(start), math.floor(end) + 1)
    held = [at for at in seconds if expected is not None and expected.holds_for_all(values.get(at, []))]
    return Looked(
        candidate.name,
        candidate.runbook,
        candidate.query,
        candidate.expect,
        candidate.reach,
        tuple(_stretches(held)),
        tuple(_under(number, one, candidate, values, set(held)) for number, one in enumerate(found)),
    )


def _under(
    number: int, condition: Condition, candidate: Candidate, values: Mapping[int, list[float]], held: set[int]
) -> Under:
    first = math.ceil(condition.settled(candidate.reach))
    seconds = range(first, math.ceil(condition.until))
    seen = sorted(value for at in seconds for value in values.get(at, []) if math.isfinite(value))
    low, mid, high = _deciles(seen)
    return Under(
        number,
        len(seconds),
        sum(at in held for at in seconds) if candidate.expect is not None else None,
        sum(not values.get(at) for at in seconds),
        low,
        mid,
        high,
    )


def _deciles(ordered: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    if not ordered:
        return None, None, None
    last = len(ordered) - 1
    return ordered[round(0.1 * last)], statistics.median(ordered), ordered[round(0.9 * last)]


def _stretches(seconds: Sequence[int]) -> list[tuple[float, float]]:
    """Whole seconds as stretches from the first to after the last."""
    found: list[tuple[float, float]] = []
    for at in seconds:
        if found and found[-1][1] == at:
            found[-1] = (found[-1][0], at + 1.0)
        else:
            found.append((float(at), at + 1.0))
    return found


async def _values(prometheus: Prometheus, query: str, start: float, end: float) -> dict[int, list[float]]:
    """The values of all series by whole second, in as many parts as Prometheus wants."""
    values, first = defaultdict[int, list[float]](list), math.ceil(start)
    while first <= end:
        last = min(math.floor(end), first + MOST_POINTS - 1)
        for series in await prometheus.query_range(query, first, last, STEP):
            for at, value in series.points:
                values[round(at)].append(value)
        first = last + 1
    return dict(values)
