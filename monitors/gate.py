"""Gate: whether objectives were held over the last minutes; `flashcrowd slo check` in code."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from flashcrowd.verdict import Verdict
from monitors import clock as clocks
from monitors import composites as composite_judge
from monitors.clock import Clock
from monitors.judge import Judgement, decide, doubted
from monitors.measure import measure
from monitors.prometheus import Prometheus
from monitors.slo import Composite, Slo

AT_ONCE = 4
"""SLOs measured at the same time: a gate mustn't be the load that its Prometheus suffers from."""


class Checked(NamedTuple):
    """One SLO, or a composite, and what the judge says of it."""

    slo: Slo | Composite
    judgement: Judgement


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
    few = asyncio.Semaphore(AT_ONCE)

    async def one(slo: Slo) -> Judgement:
        async with few:
            return _timed(decide(slo, await measure(slo, prometheus, [(end - window_seconds, end)])), now, end)

    judged = await asyncio.gather(*(one(slo) for slo in slos))
    found = [*judged, *(composite_judge.judge(composite, judged) for composite in composites)]
    return [Checked(judgement.slo, judgement) for judgement in found]


def _timed(found: Judgement, now: Clock, end: float) -> Judgement:
    """It with what the clocks say: a window that isn't over can't be passed."""
    doubts, notes = now.doubt(end), now.note
    return doubted(replace(found, notes=(*found.notes, *([notes] if notes else ()))), *([doubts] if doubts else ()))


def verdict(checked: Sequence[Checked]) -> Verdict:
    """All judgements as one verdict; findings are named by `slo/SERVICE-NAME`."""
    return Verdict(tuple(judgement.finding(f"slo/{slo.id}") for slo, judgement in checked))
