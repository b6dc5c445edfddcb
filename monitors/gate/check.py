"""Gate: whether objectives were held over the last minutes; `flashcrowd slo check` in code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from flashcrowd.verdict import Finding, Verdict
from monitors import clock as clocks
from monitors import composites as composite_judge
from monitors.clock import Clock
from monitors.counting.measure import measure
from monitors.judge import Judgement, decide, doubted
from monitors.prometheus import Prometheus
from monitors.slo import Composite, Slo


class Checked(NamedTuple):
    """One SLO, or a composite, and what the judge says of it."""

    slo: Slo | Composite
    judgement: Judgement


class Comparison(Protocol):
    """What an objective came to beside something else, if anything."""

    def finding(self) -> Finding | None: ...


async def check(
    slos: Sequence[Slo],
    prometheus: Prometheus,
    window_seconds: float,
    at: float | None = None,
    composites: Sequence[Composite] = (),
    clock: Clock | None = None,
) -> list[Checked]:
    """Judge each SLO over the window that ends at a unix time, or now by the clock of Prometheus; then the composites,
    whose parts are among the SLOs. In the order of both.

    clock: where it has been read already.

    Raises:
        InputError: Prometheus refuses a query; NeedError: it doesn't answer.
    """
    now = clock or await clocks.read(prometheus)
    end = now.now if at is None else at
    asked = [asyncio.create_task(measure(slo, prometheus, [(end - window_seconds, end)])) for slo in slos]
    try:
        counted = await asyncio.gather(*asked)
    finally:
        for task in asked:
            task.cancel()  # where one fails, the others are no longer asked
    judged = [_timed(decide(slo, counts), now, end) for slo, counts in zip(slos, counted, strict=True)]
    judged = [doubted(found, *_partial(prometheus)) for found in judged]
    found = [*judged, *(composite_judge.judge(composite, judged) for composite in composites)]
    return [Checked(judgement.slo, judgement) for judgement in found]


def _timed(found: Judgement, now: Clock, end: float) -> Judgement:
    """It with what the clocks say: a window that isn't over can't be passed."""
    doubts, notes = now.doubt(end), now.note
    return doubted(replace(found, notes=(*found.notes, *([notes] if notes else ()))), *([doubts] if doubts else ()))


def _partial(prometheus: Prometheus) -> Iterator[str]:
    """Why an answer may have lacked a part of the data."""
    for text in prometheus.partial[:1]:
        yield f"prometheus answered with a part of the data: {text}"


def verdict(checked: Sequence[Checked], compared: Sequence[Comparison] = ()) -> Verdict:
    """All judgements as one verdict; findings are named by `slo/SERVICE-NAME`. compared: more that counts."""
    findings = [judgement.finding(f"slo/{slo.id}") for slo, judgement in checked]
    return Verdict((*findings, *(finding for one in compared if (finding := one.finding()) is not None)))
