"""Gate: whether objectives were held over the last minutes; `flashcrowd slo check` in code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from flashcrowd.verdict import Verdict
from monitors.judge import Judgement, decide
from monitors.measure import measure
from monitors.prometheus import Prometheus
from monitors.slo import Slo

AT_ONCE = 4
"""SLOs measured at the same time: a gate mustn't be the load that its Prometheus suffers from."""


class Checked(NamedTuple):
    """One SLO and what the judge says of it."""

    slo: Slo
    judgement: Judgement


async def check(
    slos: Sequence[Slo], prometheus: Prometheus, window_seconds: float, at: float | None = None
) -> list[Checked]:
    """Judge each SLO over the window that ends at a unix time, or now; in the order of the SLOs.

    Raises:
        InputError: Prometheus refuses a query; NeedError: it doesn't answer.
    """
    end = time.time() if at is None else at
    few = asyncio.Semaphore(AT_ONCE)

    async def one(slo: Slo) -> Checked:
        async with few:
            return Checked(slo, decide(slo, await measure(slo, prometheus, [(end - window_seconds, end)])))

    return list(await asyncio.gather(*(one(slo) for slo in slos)))


def verdict(checked: Sequence[Checked]) -> Verdict:
    """All judgements as one verdict; findings are named by `slo/SERVICE-NAME`."""
    return Verdict(tuple(judgement.finding(f"slo/{slo.id}") for slo, judgement in checked))
