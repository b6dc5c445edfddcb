"""Decidable check: objectives that no run of a plan could decide, told before the first packet, with their line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from flashcrowd.documents import Document
from flashcrowd.errors import Problem
from flashcrowd.units import about
from gamedays.judging.sli import Window, outside
from gamedays.plan import EMBEDDED, LoadPlan
from gamedays.planning.decidable import Audience, Reckoned, reckon
from gamedays.planning.expectation_check import seconds
from gamedays.planning.load_check import LoadCheck
from loadtests.pace import pace
from monitors.figures import count, exact_percent
from monitors.slo import Slo


def check_decidable(
    source: Document, load: LoadCheck, slos: Mapping[int, Sequence[Slo]], scenario: Path | None
) -> Iterator[Problem]:
    """slos: by the number of their file in the plan. A load that is wrong is told of first, and reckoned with later."""
    if (audience := _audience(source, load)) is None or scenario is None:
        return
    at, embedded = pace(scenario), source.get("spec", "target") == EMBEDDED
    for number, found in slos.items():
        for slo in found:
            if slo.sli.events is not None and (row := reckon(slo, audience, at, embedded)).hopeless:
                yield source.problem(("spec", "slos", number), _sentence(row, audience))


def _sentence(row: Reckoned, audience: Audience) -> str:
    viewers, most = audience.load.viewers, row.most or 0.0
    return (
        f"{row.slo.name}: {viewers:,} viewers can't decide a {exact_percent(row.slo.objective / 100)} objective in the "
        f"{about(audience.seconds)} without a fault; they make {count(most)} events at most, and {count(row.needed)} "
        "without a bad one are needed: more viewers, or a longer hold"
    )


def _audience(source: Document, load: LoadCheck) -> Audience | None:
    raw = source.get("spec", "load")
    times = {} if load.duration is None else {"over": "0s", "hold": f"{load.duration}s"}
    try:
        plan = LoadPlan.model_validate({**raw, **times} if isinstance(raw, dict) else raw)
    except ValidationError:
        return None
    if plan.shape == "trace" and not load.points:
        return None
    return Audience(plan, list(_openings(source)), 0, load.points, outside(list(_faults(source)), 0.0, plan.duration))


def _openings(source: Document) -> Iterator[float]:
    for kind in ("sale", "draw"):
        waves = source.get("spec", kind, "opens_at", default=[])
        yield from (at for wave in (waves if isinstance(waves, list) else []) if (at := seconds(wave)) is not None)


def _faults(source: Document) -> Iterator[Window]:
    steps = source.get("spec", "steps", default=[])
    for number in range(len(steps) if isinstance(steps, list) else 0):
        at, hold = (seconds(source.get("spec", "steps", number, *path)) for path in (("at",), ("fault", "for")))
        if at is not None and hold is not None:
            yield at, at + hold
