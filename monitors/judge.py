"""Judge: whether an objective was held, from counted events, and how sure that is.

Three outcomes: the confidence interval of the bad share lies within the budget (pass), outside of it (fail), or on
both sides (inconclusive). No data, too few events, and a part of the time without data never pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

from flashcrowd.verdict import Finding, Outcome
from monitors.figures import about, bad_percent, count, exact_percent, held_percent
from monitors.measure import Counts
from monitors.slo import Slo


@dataclass(frozen=True)
class Judgement:
    """What the judge says of one SLO.

    message: one sentence with the figures. notes: what makes them worth less, shown with it. bad, total: events,
    None where they weren't counted. ratio: the bad share (0 to 1), None without data. interval: of the bad share,
    None where there is none. needed: how many more events would decide, if they were like those seen; None when
    decided, and when no number would.
    """

    slo: Slo
    outcome: Outcome
    message: str
    bad: float | None = None
    total: float | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    needed: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def held(self) -> float | None:
        """The share of good events, 0 to 1."""
        return None if self.ratio is None else 1 - self.ratio

    @property
    def text(self) -> str:
        """The message and its notes."""
        return "; ".join((self.message, *self.notes))

    @property
    def held_text(self) -> str:
        """`99.97 %`, or `-` without data."""
        return "-" if self.ratio is None else held_percent(self.ratio, self.slo.budget)

    def as_dict(self) -> dict[str, Any]:
        """JSON values from which the message can be checked."""
        return {
            "slo": self.slo.id,
            "objective": self.slo.objective,
            "outcome": self.outcome.value,
            "message": self.text,
            "held": self.held,
            "bad": self.bad,
            "total": self.total,
            "interval": None if self.interval is None else list(self.interval),
            "confidence": self.slo.rehearsal.confidence,
            "needed": self.needed,
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
    if total is None or bad is None or not (math.isfinite(total) and math.isfinite(bad)):
        return Judgement(slo, Outcome.INCONCLUSIVE, "no data")
    if total <= 0:
        return Judgement(slo, Outcome.INCONCLUSIVE, "no data: nothing happened", 0.0, 0.0)
    bad = min(max(bad, 0.0), total)  # two rates over the same window are each extrapolated by a hair
    share, limits = bad / total, slo.rehearsal
    interval = wilson(bad, total, limits.confidence)
    outcome = _outcome(interval, slo.budget)
    if outcome is Outcome.INCONCLUSIVE or total < limits.min_events:
        enough = decisive(share, slo.budget, limits.confidence)
        needed = None if enough is None else max(enough, limits.min_events) - math.floor(total)
        return Judgement(slo, Outcome.INCONCLUSIVE, _doubt(slo, total, needed), bad, total, share, interval, needed)
    return Judgement(slo, outcome, _says(slo, share), bad, total, share, interval)


def decide(slo: Slo, counts: Counts) -> Judgement:
    """What to say of what was measured, its holes included: they never let it pass, and never excuse a failure."""
    found = judge_ratio(slo, counts.ratio) if slo.sli.raw is not None else judge(slo, counts.bad, counts.total)
    if found.ratio is None:
        return found
    notes, outcome = [], found.outcome
    if counts.errors_unseen:
        notes.append("there is no error series, so none was counted")
    if counts.gaps:
        notes.append(f"no data for {_seconds(counts)} s of the time")
        outcome = Outcome.FAIL if outcome is Outcome.FAIL else Outcome.INCONCLUSIVE
    return replace(found, outcome=outcome, notes=(*found.notes, *notes))


def judge_ratio(slo: Slo, ratio: float | None) -> Judgement:
    """What to say of a raw SLI's bad share. It counts no events, so there is no interval and the share itself is
    compared; a note says so."""
    if ratio is None or not math.isfinite(ratio):
        return Judgement(slo, Outcome.INCONCLUSIVE, "no data")
    share = min(max(ratio, 0.0), 1.0)
    outcome = _outcome((share, share), slo.budget)
    return Judgement(slo, outcome, _says(slo, share), ratio=share, notes=("a ratio without events has no interval",))


def _outcome(interval: tuple[float, float], budget: float) -> Outcome:
    low, high = interval
    return Outcome.PASS if high <= budget else Outcome.FAIL if low > budget else Outcome.INCONCLUSIVE


def _says(slo: Slo, share: float) -> str:
    if share > slo.budget:
        return f"{bad_percent(share, slo.budget)} bad, at most {exact_percent(slo.budget)} allowed"
    return f"{held_percent(share, slo.budget)} held, {exact_percent(slo.objective / 100)} wanted"


def _doubt(slo: Slo, total: float, needed: int | None) -> str:
    if needed is None:
        return f"right on its objective after {count(total)} events"
    return f"needs about {about(needed)} more events"


def _seconds(counts: Counts) -> str:
    return count(sum(end - start for start, end in counts.gaps))


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
