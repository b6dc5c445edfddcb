"""Comparing: runs of before and one of now, to a row for each thing that was measured on either side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gamedays.comparison import holm
from gamedays.comparison.measured import Measured
from gamedays.comparison.row import ALPHA, GROUPS, LAG, Call, Key, Row, Tolerance
from gamedays.comparison.weighed import Weighed, untold

BELIEVED = ("invariants", "generator")
"""What is told whatever the load generator's health: the books don't depend on it, and its health is its own."""


def compare(before: Sequence[Measured], now: Measured, tolerance: Tolerance) -> list[Row]:
    """The rows, what got worse first. All tests of one side together err as often as ALPHA says."""
    keys = list(dict.fromkeys(key for run in (*before, now) for key in run.measures))
    weighed = _another_machine({key: _weigh(key, before, now, tolerance) for key in keys})
    tested = [key for key in keys if weighed[key].tested]
    limits = {
        side: dict(zip(tested, holm.limits([getattr(weighed[key], side) for key in tested], ALPHA), strict=True))
        for side in ("worse", "better")
    }
    rows = [_row(key, _decided(weighed[key], limits, key), limits["worse"].get(key, 0.0)) for key in keys]
    order = list(Call)
    return sorted(rows, key=lambda row: (not row.regressed, order.index(row.call), GROUPS.index(row.key.group)))


def _another_machine(weighed: dict[Key, Weighed]) -> dict[Key, Weighed]:
    """Where the generator's own lag has changed, no difference of latencies can be laid at the target's door."""
    lag = weighed.get(LAG)
    if lag is None or lag.call not in (Call.WORSE, Call.BETTER):
        return weighed
    why = f"but the generator's own lag p99 was {lag.before} before, {lag.now} now: the machine was as good as another"
    return {
        key: replace(one, call=Call.UNTOLD, why=f"{one.change}, {why}")
        if key.group == "latency" and one.call is None
        else one
        for key, one in weighed.items()
    }


def _weigh(key: Key, before: Sequence[Measured], now: Measured, tolerance: Tolerance) -> Weighed:
    mine, theirs = now.measures.get(key), [run.measures[key] for run in before if key in run.measures]
    if mine is None:
        return untold(None, theirs[0], "it is no longer measured")
    if not theirs:
        return untold(mine, None, "it was not measured before")
    if (doubt := _doubt(key, before, now)) is not None:
        return untold(mine, theirs[0], doubt)
    return mine.weigh(theirs, tolerance)


def _doubt(key: Key, before: Sequence[Measured], now: Measured) -> str | None:
    if key.group in BELIEVED:
        return None
    earlier = next((f"before: {run.doubt}" for run in before if run.doubt is not None), None)
    changed = _objective(key, before[0], now) if key.group not in ("latency", "requests") else None
    return now.doubt or earlier or changed


def _objective(key: Key, before: Measured, now: Measured) -> str | None:
    """Whether the SLO that a row is about is another one now."""
    name = key.name.partition(" ")[0]
    old, new = ({slo.name: slo for slo in one.story.slos}.get(name) for one in (before, now))
    same = old is None or new is None or (old.sli == new.sli and old.objective == new.objective)
    return None if same else f"the queries or the objective of {name} are others now"


def _decided(found: Weighed, limits: dict[str, dict[Key, float]], key: Key) -> Weighed:
    """It with its call."""
    if found.call is not None:
        return found
    if found.worse < limits["worse"][key]:
        return replace(found, call=Call.WORSE, why=found.change)
    if found.better < limits["better"][key]:
        return replace(found, call=Call.BETTER, why=found.change)
    return replace(found, call=Call.SAME if found.decides else Call.UNTOLD, why=found.allowed)


def _row(key: Key, found: Weighed, limit: float) -> Row:
    """limit: below which its chance is one of something worse."""
    assert found.call is not None
    figures = (found.before, found.now, found.call, found.why, found.unit, found.value_before, found.value_now)
    if not found.tested:
        return Row(key, *figures)
    looks_worse = found.call is Call.UNTOLD and found.worse < limit
    return Row(key, *figures, chance=min(found.worse, found.better), limit=limit, looks_worse=looks_worse)
