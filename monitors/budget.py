"""Budget: what is left of the errors that an objective allows over a period, how fast it burns, and when it is gone.

The budget is that of a rolling period, as alerts and Sloth's dashboards have it: bad events of all events in the last
30 days, say, each weighing the same. A burn of 1 spends exactly the budget in a period (SRE workbook, chapter 5).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flashcrowd import units
from flashcrowd.errors import InputError
from flashcrowd.units import format_duration, utc
from flashcrowd.verdict import Finding, Outcome
from monitors.counting import evidence
from monitors.counting.measure import broken
from monitors.counting.scrapes import Window
from monitors.counting.selectors import selectors
from monitors.figures import count
from monitors.prometheus import Prometheus
from monitors.slo import Slo

PIECES = 120
"""Pieces of the period that leave it one after the other: 6 h of 30 d."""
COVERED = 0.9
"""The share of the period with data below which what is left isn't known."""


@dataclass(frozen=True)
class Piece:
    """A piece of the period: bad and all events in it; of a raw SLI, seconds. None where they aren't known."""

    bad: float | None
    total: float | None


@dataclass(frozen=True)
class Budget:
    """What is known of one SLO's budget.

    period: seconds. at: its end, unix seconds. bad, total: events in it, None where they aren't counted. ratio: the bad
    share. burn: in budgets per period, None without data in the last `burn_window` seconds. runs_out: seconds from `at`
    until nothing is left at this burn; 0 when nothing is, None when it doesn't within a period. covered: the share of
    the period with data. since: when data begin, where that is after its start. doubts: why it can't be judged.
    """

    slo: Slo
    period: float
    at: float
    burn_window: float
    bad: float | None = None
    total: float | None = None
    ratio: float | None = None
    burn: float | None = None
    runs_out: float | None = None
    covered: float = 0.0
    since: float | None = None
    doubts: tuple[str, ...] = ()

    @property
    def left(self) -> float | None:
        """The share of the budget that is left: 1 at first, negative when overspent."""
        return None if self.ratio is None else 1 - self.ratio / self.slo.budget

    @property
    def outcome(self) -> Outcome:
        """A budget that is spent fails; one that isn't passes, where enough is known of it."""
        if self.left is not None and self.left < 0:
            return Outcome.FAIL
        return Outcome.INCONCLUSIVE if self.doubts or self.left is None else Outcome.PASS

    @property
    def message(self) -> str:
        """One sentence with the figures, and the remarks."""
        if self.left is None:
            return "; ".join(self.remarks)
        left = f"{self.left_text} left" if self.left >= 0 else f"overspent by {_percent(-self.left)}"
        when = f", {self.when}" if self.left > 0 else ""
        burns = () if self.burn is None else (f"burns at {self.burn_text}{when}",)
        return "; ".join((left, *burns, *self.remarks))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the figures don't say: doubts first."""
        if self.left is None:
            return "no data", *self.doubts
        notes = []
        if self.covered >= COVERED and self.since is not None:
            notes.append(f"data begin at {utc(round(self.since))[:19]}Z")
        return *self.doubts, *notes

    @property
    def left_text(self) -> str:
        """`63 %`, or `-` without data."""
        return "-" if self.left is None else _percent(self.left)

    @property
    def burn_text(self) -> str:
        """`0.42`, or `-` without data."""
        return "-" if self.burn is None else _burn(self.burn)

    @property
    def when(self) -> str:
        """When it runs out, in words."""
        if self.burn is None or self.left is None:
            return "-"
        if self.left <= 0:
            return "spent"
        if self.runs_out is None:
            return "lasts"
        return f"gone in {_long(self.runs_out)}"

    def as_dict(self) -> dict[str, Any]:
        """JSON values from which the message can be checked."""
        return {
            "slo": self.slo.id,
            "objective": self.slo.objective,
            "outcome": self.outcome.value,
            "message": self.message,
            "left": self.left,
            "burn": self.burn,
            "runs_out_seconds": self.runs_out,
            "runs_out_at": None if self.runs_out is None else self.at + self.runs_out,
            "bad": self.bad,
            "total": self.total,
            "covered": self.covered,
            "since": self.since,
            "doubts": list(self.doubts),
        }

    def finding(self) -> Finding:
        """It as a finding of a verdict, named by `budget/SERVICE-NAME`."""
        evidence = {key: value for key, value in self.as_dict().items() if key not in ("outcome", "message")}
        return Finding(f"budget/{self.slo.id}", self.outcome, self.message, evidence)


async def budget(slo: Slo, prometheus: Prometheus, period: float, burn_window: float, at: float) -> Budget:
    """What is left of it at a unix time.

    Raises:
        InputError: Prometheus refuses a query, or it gives several series; NeedError: it doesn't answer.
    """
    window = (at - period, at)
    pieces, burnt, found = await asyncio.gather(
        _pieces(slo, prometheus, window),
        prometheus.value(slo.ratio_query(burn_window), at),
        evidence.look(prometheus, selectors(_all(slo, period)), window),
    )
    known = [piece for piece in pieces if piece.bad is not None and piece.total is not None]
    bad, total = sum(piece.bad or 0.0 for piece in known), sum(piece.total or 0.0 for piece in known)
    ratio = min(bad / total, 1.0) if total > 0 else None
    covered = min(len(known) / len(pieces), 1 - sum(end - start for start, end in found.gaps) / period)
    if burnt is not None and math.isnan(burnt) and not found.unreal:
        burnt = 0.0  # nothing came: 0 of 0
    burn = max(0.0, burnt) / slo.budget if burnt is not None and math.isfinite(burnt) else None
    counted = slo.sli.raw is None
    return Budget(
        slo,
        period,
        at,
        burn_window,
        bad=bad if counted and known else None,
        total=total if counted and known else None,
        ratio=ratio,
        burn=burn,
        runs_out=None if burn is None else runs_out(pieces, slo.budget, burn, period),
        covered=max(0.0, covered),
        since=next((end for start, end in found.gaps if start <= window[0] and end < at), None),
        doubts=(*_doubts(slo, total, pieces, covered, found, window), *_silence(ratio, burn, burn_window)),
    )


def runs_out(pieces: Sequence[Piece], budget: float, burn: float, period: float) -> float | None:
    """Seconds until a rolling budget is spent at this burn; 0 when it is, None when that doesn't happen in a period.

    What is bad now leaves the period in its turn, and makes room. To come are as many events as there were on average.
    """
    length = period / len(pieces)
    known = [piece for piece in pieces if piece.total is not None and piece.bad is not None]
    if not known:
        return None
    usual = sum(piece.total or 0.0 for piece in known) / len(known)
    before = 0.0
    for gone in range(len(pieces) + 1):
        stays = pieces[gone:]
        bad = sum(piece.bad or 0.0 for piece in stays) + burn * budget * usual * gone
        total = sum(piece.total or 0.0 for piece in stays) + usual * gone
        spent = bad / (budget * total) if total > 0 else 0.0
        if spent >= 1:
            return length * (gone - 1 + (1 - before) / (spent - before)) if gone else 0.0
        before = spent
    return None


async def _pieces(slo: Slo, prometheus: Prometheus, window: Window) -> list[Piece]:
    start, end = window
    step = (end - start) / PIECES
    if slo.sli.raw is not None:
        ratios = await _values(prometheus, slo.ratio_query(step), window, step)
        return [Piece(None, None) if ratio is None else Piece(max(0.0, ratio) * step, step) for ratio in ratios]
    bad, total = await asyncio.gather(
        _values(prometheus, slo.bad_query(step), window, step), _values(prometheus, slo.total_query(step), window, step)
    )
    rows = zip(bad, total, strict=True)
    return [Piece(*(None if value is None else max(0.0, value) * step for value in row)) for row in rows]


async def _values(prometheus: Prometheus, promql: str, window: Window, step: float) -> list[float | None]:
    """The query at the end of each piece; None where it gives nothing, or no number."""
    start, end = window
    found = await prometheus.query_range(promql, start + step, end, step)
    if len(found) > 1:
        raise InputError(f"wants a query with one series, got {len(found)}; put sum(...) around it: {promql}")
    points = {round((at - start) / step): value for series in found for at, value in series.points}
    values = (points.get(number) for number in range(1, PIECES + 1))
    return [value if value is not None and math.isfinite(value) else None for value in values]


def _doubts(
    slo: Slo, total: float, pieces: Sequence[Piece], covered: float, found: evidence.Evidence, window: Window
) -> tuple[str, ...]:
    doubts, (start, end) = [], window
    if found.unreal:
        doubts.append("there is NaN among the samples")
    if all(piece.total is None or piece.bad is None for piece in pieces):
        told = any(piece.total is not None for piece in pieces) and not found.unreal and slo.sli.raw is None
        return (*doubts, *(broken(slo.error_query(end - start)) if told else ()))
    if slo.sli.raw is None and total < slo.rehearsal.min_events:
        doubts.append(f"{count(total)} events are fewer than {count(slo.rehearsal.min_events)}")
    if covered < COVERED:
        first = next((after for before, after in found.gaps if before <= start), start)
        begin = f", from {utc(round(first))[:19]}Z on" if first > start else ""
        doubts.append(f"there are data for {_long(covered * (end - start))} of {_long(end - start)}{begin}")
    return tuple(doubts)


def _silence(ratio: float | None, burn: float | None, burn_window: float) -> tuple[str, ...]:
    if ratio is None or burn is not None:
        return ()
    return (f"no data in the last {format_duration(burn_window)}, so that the burn isn't known",)


def _all(slo: Slo, period: float) -> str:
    return slo.total_query(period) if slo.sli.raw is None else slo.ratio_query(period)


def _percent(share: float) -> str:
    return f"{share * 100:,.0f} %" if abs(share) >= 1 else f"{share * 100:.3g} %"


def _burn(burn: float) -> str:
    return f"{burn:.2g}" if burn < 9.95 else f"{burn:,.0f}"


def _long(seconds: float) -> str:
    """`12.4 d`, `7.5 h`, or as `units.about`."""
    if seconds >= 2 * units.SECONDS["d"]:
        return f"{seconds / units.SECONDS['d']:.3g} d"
    return f"{seconds / units.SECONDS['h']:.3g} h" if seconds >= 2 * units.SECONDS["h"] else units.about(seconds)
