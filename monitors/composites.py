"""Composites: objectives made of other ones, judged from what was found of their parts.

Nothing is known of how the failures of the parts go together: the same order may be slow and refused, or two orders
one each. So nothing is assumed of it, and what is said holds however they do.

- Each part's interval is taken at a confidence of 1 - (1 - c) / n for n parts, so that all of them hold together with
  confidence c (Bonferroni's inequality).
- `of`: the bad share is the weighted mean of the parts' shares, and lies between the means of their lower and of
  their upper limits.
- `all`: whoever meets a bad event in any part has met one. That share is at least that of the worst part (all fail
  together), and at most the sum of all (never together): Boole's and Fréchet's inequalities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flashcrowd.verdict import Outcome
from monitors.figures import bad_percent, exact_percent, held_percent
from monitors.judge import Judgement, wilson
from monitors.slo import Composite, Slo

Interval = tuple[float, float]


@dataclass(frozen=True)
class _Known:
    """One part: its weight, its judgement, the interval of its bad share, (0, 1) where nothing is known, and the share
    as measured."""

    weight: float
    judgement: Judgement
    interval: Interval

    @property
    def shares(self) -> Interval:
        found = self.judgement
        if found.ratio is None:
            return 0.0, 1.0
        return (found.ratio, found.ratio) if found.total is not None or found.interval is None else found.interval


def judge(composite: Composite, parts: Sequence[Judgement]) -> Judgement:
    """What to say of a composite whose parts were judged; `parts` may hold more than its own.

    A doubtful part forbids a pass: one without data, with too few events, holes, or doubts of another kind. That a
    part alone couldn't be decided is no such doubt: its interval says how much of it is open.
    """
    judged = {part.slo.id: part for part in parts}
    known = [_known(judged[name], weight, len(composite.names)) for name, weight in _weights(composite).items()]
    together = _sum if composite.of is None else _mean
    interval, shares = together(known, [one.interval for one in known]), together(known, [one.shares for one in known])
    doubts = tuple(f"{one.judgement.slo.name}: {reason}" for one in known for reason in _doubts(one.judgement))
    outcome = _outcome(interval, composite.budget, bool(doubts))
    unknown = all(one.judgement.ratio is None for one in known)
    return Judgement(
        composite,
        outcome,
        "no data" if unknown else _says(composite, interval, shares, outcome),
        ratio=None if any(one.judgement.ratio is None for one in known) else shares[1],
        interval=None if unknown else interval,
        doubts=doubts,
        confidence=max(_confidence(one.judgement) for one in known),
    )


def _weights(composite: Composite) -> dict[str, float]:
    if composite.of is None:
        return dict.fromkeys(composite.names, 1.0)
    whole = sum(part.weight for part in composite.of)
    return {part.slo: part.weight / whole for part in composite.of}


def _known(part: Judgement, weight: float, among: int) -> _Known:
    if part.ratio is None:
        return _Known(weight, part, (0.0, 1.0))
    if not part.total:
        return _Known(weight, part, part.interval or (part.ratio, part.ratio))
    confidence = _confidence(part)
    surer = 1 - (1 - confidence) / among if confidence else 0.0
    bad = part.bad or 0.0
    low, high = (
        wilson(bad if part.least is None else part.least, part.total, surer)[0],
        wilson(bad, part.total, surer)[1],
    )
    return _Known(weight, part, (low, high))


def _mean(known: Sequence[_Known], spans: Sequence[Interval]) -> Interval:
    low, high = (sum(one.weight * span[side] for one, span in zip(known, spans, strict=True)) for side in (0, 1))
    return low, min(1.0, high)


def _sum(known: Sequence[_Known], spans: Sequence[Interval]) -> Interval:
    return max(low for low, _ in spans), min(1.0, sum(high for _, high in spans))


def _doubts(part: Judgement) -> tuple[str, ...]:
    """What is doubtful of a part, beyond its interval."""
    return (part.message, *part.doubts) if part.ratio is None else part.doubts


def _outcome(interval: Interval, budget: float, doubtful: bool) -> Outcome:
    low, high = interval
    if low > budget:
        return Outcome.FAIL
    return Outcome.PASS if high <= budget and not doubtful else Outcome.INCONCLUSIVE


def _says(composite: Composite, interval: Interval, shares: Interval, outcome: Outcome) -> str:
    budget = composite.budget
    if outcome is Outcome.PASS:
        return f"{held_percent(shares[1], budget)} held, {exact_percent(composite.objective / 100)} wanted"
    spans = interval if outcome is Outcome.INCONCLUSIVE else shares
    low, high = (bad_percent(share, budget) for share in spans)
    return f"{low if low == high else f'{low} to {high}'} bad, at most {exact_percent(budget)} allowed"


def _confidence(part: Judgement) -> float:
    return part.slo.rehearsal.confidence if isinstance(part.slo, Slo) else part.confidence
