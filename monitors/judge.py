"""Judge: whether an objective was held, from counted events, and how sure that is.

Three outcomes: the confidence interval of the bad share lies within the budget (pass), outside of it (fail), or on
both sides (inconclusive). No data, too few events, and a part of the time without data never pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from flashcrowd import units
from flashcrowd.units import utc
from flashcrowd.verdict import Finding, Outcome
from monitors.counting.measure import Counts
from monitors.counting.scrapes import Window
from monitors.figures import about, bad_percent, count, exact_percent, held_percent
from monitors.slo import Composite, Slo


@dataclass(frozen=True)
class Judgement:
    """What the judge says of one SLO, or of a composite.

    message: one sentence with the figures. doubts: what forbids a pass. notes: what is good to know. Both are shown
    with it. bad, total: events, None where they weren't counted. ratio: the bad share (0 to 1), None without data; the
    worse one, where it lies between two. interval: of the bad share, None where there is none. needed: how many more
    events would decide, if they were like those seen; None when decided, and when no number would. confidence: of a
    composite's interval; an SLO has its own. least: the fewest bad events, where their number lies between two.
    """

    slo: Slo | Composite
    outcome: Outcome
    message: str
    bad: float | None = None
    total: float | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    needed: int | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    confidence: float = 0.0
    least: float | None = None

    @property
    def held(self) -> float | None:
        """The share of good events, 0 to 1."""
        return None if self.ratio is None else 1 - self.ratio

    @property
    def text(self) -> str:
        """The message, its doubts and its notes."""
        return "; ".join((self.message, *self.doubts, *self.notes))

    @property
    def held_text(self) -> str:
        """`99.97 %`, or `-` without data."""
        return "-" if self.ratio is None else held_percent(self.ratio, self.slo.budget)

    def as_dict(self) -> dict[str, Any]:
        """JSON values from which the message can be checked."""
        return {
            "slo": self.slo.id,
            **({} if isinstance(self.slo, Slo) else {"parts": list(self.slo.names)}),
            "objective": self.slo.objective,
            "outcome": self.outcome.value,
            "message": self.text,
            "held": self.held,
            "bad": self.bad,
            "total": self.total,
            "interval": None if self.interval is None else list(self.interval),
            "confidence": self.slo.rehearsal.confidence if isinstance(self.slo, Slo) else self.confidence,
            "needed": self.needed,
            "doubts": list(self.doubts),
            "notes": list(self.notes),
        }

    def finding(self, name: str | None = None) -> Finding:
        """It as a finding of a verdict; the name is `slo/NAME` unless another one is given."""
        evidence = {key: value for key, value in self.as_dict().items() if key not in ("outcome", "message")}
        return Finding(name or f"slo/{self.slo.name}", self.outcome, self.text, evidence)


def wilson(bad: float, total: float, confidence: float) -> tuple[float, float]:
    """The score interval of the bad share (0 to 1) of `total` > 0 events; at confidence 0 the share itself, twice.

    Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22: 209-212. It keeps its promise near 0, where SLOs live: a textbook interval
    of no error in ten events is 0 to 0, which would pass everything.
    """
    share, z = bad / total, _z(confidence)
    if z == 0:
        return share, share
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def decisive(share: float, budget: float, confidence: float) -> int | None:
    """How many events with this bad share put the interval wholly on one side of the budget; None: no number does.

    The Wilson interval holds the budget b exactly while |share - b| < z √(b (1 - b) / n): it is the score test
    turned around, so that n = z² b (1 - b) / (share - b)².
    """
    if share == budget:
        return None
    needed = _z(confidence) ** 2 * budget * (1 - budget) / (share - budget) ** 2
    return max(1, math.ceil(needed)) if needed < 1e15 else None


def judge(slo: Slo, bad: float | None, total: float | None) -> Judgement:
    """What to say of `bad` out of `total` events; they may be estimates with fractions.

    No total (None, NaN, 0 or less) is no data. An unknown number of bad ones is no data either.
    """
    return _judge(slo, bad, bad, total)


def decide(slo: Slo, counts: Counts) -> Judgement:
    """What to say of what was measured, its holes included: they never let it pass, and never excuse a failure."""
    limits = counts.bounds
    if slo.sli.raw is not None:
        found = _judge_ratio(slo, limits.low, limits.high) if limits else judge_ratio(slo, counts.ratio)
    elif limits is not None and counts.bad is not None:
        found = _judge(slo, limits.low, limits.high, counts.total)
    else:
        found = judge(slo, counts.bad, counts.total)
    if found.ratio is None:
        return replace(found, doubts=(*found.doubts, *counts.unreal))
    notes = (*found.notes, *((limits.why,) if limits else ()), *_notes(counts))
    return doubted(replace(found, notes=notes), *counts.unreal, *_gaps(counts.gaps))


def doubted(found: Judgement, *doubts: str) -> Judgement:
    """It with more doubts: then it doesn't pass. A failure stays one, as they say nothing good."""
    outcome = Outcome.INCONCLUSIVE if doubts and found.outcome is Outcome.PASS else found.outcome
    return replace(found, outcome=outcome, doubts=(*found.doubts, *doubts))


def judge_ratio(slo: Slo, ratio: float | None) -> Judgement:
    """What to say of a raw SLI's bad share. It counts no events, so there is no interval and the share itself is
    compared; a note says so."""
    return _judge_ratio(slo, ratio, ratio)


def _judge(slo: Slo, low: float | None, high: float | None, total: float | None) -> Judgement:
    """As `judge`, of a number of bad events between two."""
    if total is None or low is None or high is None or not all(map(math.isfinite, (total, low, high))):
        return Judgement(slo, Outcome.INCONCLUSIVE, "no data")
    if total <= 0:
        return Judgement(slo, Outcome.INCONCLUSIVE, "no data: nothing happened", 0.0, 0.0)
    low, bad = (min(max(value, 0.0), total) for value in (low, high))  # each rate is extrapolated by a hair
    share, limits = bad / total, slo.rehearsal
    interval = wilson(low, total, limits.confidence)[0], wilson(bad, total, limits.confidence)[1]
    outcome, message, needed = _outcome(interval, slo.budget), _says(slo, low / total, share), None
    if (low == bad and outcome is Outcome.INCONCLUSIVE) or total < limits.min_events:
        outcome, enough = Outcome.INCONCLUSIVE, decisive(share, slo.budget, limits.confidence)
        needed = None if enough is None else max(enough, limits.min_events) - math.floor(total)
        message = _doubt(slo, total, needed)
    few = (f"fewer than {count(limits.min_events)} events",) if total < limits.min_events else ()
    return Judgement(slo, outcome, message, bad, total, share, interval, needed, doubts=few, least=low)


def _judge_ratio(slo: Slo, low: float | None, high: float | None) -> Judgement:
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return Judgement(slo, Outcome.INCONCLUSIVE, "no data")
    least, share = (min(max(value, 0.0), 1.0) for value in (low, high))
    outcome, interval = _outcome((least, share), slo.budget), None if least == share else (least, share)
    notes = ("a ratio without events has no interval",)
    return Judgement(slo, outcome, _says(slo, least, share), ratio=share, interval=interval, notes=notes)


def _notes(counts: Counts) -> tuple[str, ...]:
    """What is good to know, and forbids nothing."""
    notes = []
    if counts.errors_unseen:
        notes.append("there is no error series, so none was counted")
    if counts.restarts:
        times = "once" if counts.restarts == 1 else f"{counts.restarts} times"
        notes.append(f"counters began anew {times}; what came after a last scrape is lost")
    if counts.processes is not None and counts.processes[0] < counts.processes[1]:
        notes.append(f"between {counts.processes[0]} and {counts.processes[1]} processes were heard")
    return tuple(notes)


def _gaps(gaps: Sequence[Window]) -> tuple[str, ...]:
    """Each hole with its start and length; many as the longest of them and their sum."""
    if not gaps:
        return ()
    start, end = max(gaps, key=lambda gap: gap[1] - gap[0])
    longest = f"no data from {utc(round(start))[:19]}Z for {units.about(end - start)}"
    rest = len(gaps) - 1
    more = f", and {rest} more times, {units.about(sum(gap[1] - gap[0] for gap in gaps))} in all" if rest > 1 else ""
    if rest == 1:
        more = f", and once more, {units.about(sum(gap[1] - gap[0] for gap in gaps))} in all"
    return (longest + more,)


def _outcome(interval: tuple[float, float], budget: float) -> Outcome:
    low, high = interval
    return Outcome.PASS if high <= budget else Outcome.FAIL if low > budget else Outcome.INCONCLUSIVE


def _says(slo: Slo | Composite, low: float, share: float) -> str:
    if low < share:
        between = f"{bad_percent(low, slo.budget)} and {bad_percent(share, slo.budget)}"
        return f"between {between} bad, at most {exact_percent(slo.budget)} allowed"
    if share > slo.budget:
        return f"{bad_percent(share, slo.budget)} bad, at most {exact_percent(slo.budget)} allowed"
    return f"{held_percent(share, slo.budget)} held, {exact_percent(slo.objective / 100)} wanted"


def _doubt(slo: Slo, total: float, needed: int | None) -> str:
    if needed is None:
        return f"right on its objective after {count(total)} events"
    return f"needs about {about(needed)} more events"


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
