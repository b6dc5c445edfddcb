"""Gate: whether objectives were held over the last minutes; `flashcrowd slo check` in code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from flashcrowd.verdict import Finding, Outcome, Verdict
from monitors.judge import Judgement, decide
from monitors.measure import measure
from monitors.prometheus import Prometheus
from monitors.slo import Slo


class Checked(NamedTuple):
    """One SLO and what the judge says of it."""

    slo: Slo
    judgement: Judgement


class Comparison(Protocol):
    """What an objective came to beside something else, if anything."""

    def finding(self) -> Finding | None: ...


async def check(
    slos: Sequence[Slo], prometheus: Prometheus, window_seconds: float, at: float | None = None
) -> list[Checked]:
    """Judge each SLO over the window that ends at a unix time, or now; in the order of the SLOs.

    Raises:
        InputError: Prometheus refuses a query; NeedError: it doesn't answer.
    """
    end = time.time() if at is None else at
    asked = [asyncio.create_task(measure(slo, prometheus, [(end - window_seconds, end)])) for slo in slos]
    try:
        counted = await asyncio.gather(*asked)
    finally:
        for task in asked:
            task.cancel()  # where one fails, the others are no longer asked
    checked = [Checked(slo, decide(slo, counts)) for slo, counts in zip(slos, counted, strict=True)]
    return [_doubted(found, prometheus.partial) for found in checked]


def verdict(checked: Sequence[Checked], compared: Sequence[Comparison] = ()) -> Verdict:
    """All judgements as one verdict; findings are named by `slo/SERVICE-NAME`. compared: more that counts."""
    findings = [judgement.finding(f"slo/{slo.id}") for slo, judgement in checked]
    return Verdict((*findings, *(finding for one in compared if (finding := one.finding()) is not None)))


def _doubted(found: Checked, partial: Sequence[str]) -> Checked:
    """It where an answer may have lacked a part of the data: no pass."""
    slo, judgement = found
    if not partial:
        return found
    outcome = Outcome.INCONCLUSIVE if judgement.outcome is Outcome.PASS else judgement.outcome
    notes = (*judgement.notes, f"prometheus answered with a part of the data: {partial[0]}")
    return Checked(slo, replace(judgement, outcome=outcome, notes=notes))
