"""Lapse: the time from a fault to what came of it, or the time that something lasted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from flashcrowd.units import about
from gamedays.comparison import spread
from gamedays.comparison.row import Call, Tolerance
from gamedays.comparison.weighed import Weighed, untold


@dataclass(frozen=True)
class Lapse:
    """seconds: None where it never came. step: seconds between two moments at which it could have been seen; less of a
    difference is none. watched: for how long one looked (seconds). unknown: why nothing can be said. tolerance:
    seconds, where it has one of its own."""

    seconds: float | None
    step: float
    watched: float = 0.0
    unknown: str | None = None
    unit: str = "seconds"
    tolerance: float | None = None

    @property
    def value(self) -> float | None:
        return None if self.unknown is not None else self.seconds

    @property
    def text(self) -> str:
        if self.unknown is not None:
            return "-"
        return _about(self.seconds)

    def weigh(self, before: Sequence[Lapse], tolerance: Tolerance) -> Weighed:
        """There is one time a run, so that the step, the tolerance and the spread of several runs take the place of a
        test: all of them must be exceeded."""
        doubt = self.unknown or next((one.unknown for one in before if one.unknown is not None), None)
        if doubt is not None:
            return untold(self, before[0], doubt)
        came = [one.seconds for one in before if one.seconds is not None]
        usual = mean(came) if came else None
        call, why = self._call(before, came, usual, tolerance)
        return Weighed(_about(usual), self.text, self.unit, usual, self.value, call, why)

    def _call(
        self, before: Sequence[Lapse], came: list[float], usual: float | None, tolerance: Tolerance
    ) -> tuple[Call, str]:
        if self.seconds is None and usual is None:
            return Call.SAME, "never, on either side"
        if self.seconds is None:
            return self._never(came, len(before))
        if usual is None:
            return Call.BETTER, f"it never came within {about(max(one.watched for one in before))} before"
        off = self.seconds - usual
        step = max(self.step, *(one.step for one in before))
        limit = max(step, tolerance.seconds if self.tolerance is None else self.tolerance, tolerance.ratio * usual)
        if abs(off) <= limit:
            return Call.SAME, f"within {about(limit)}, the {'step of measurement' if limit == step else 'tolerance'}"
        if not spread.beyond(came, self.seconds, 1 if off > 0 else -1):
            return Call.SAME, f"within {about(spread.reach(came))}, the spread of {len(came)} runs before"
        return (Call.WORSE, f"{about(off)} later") if off > 0 else (Call.BETTER, f"{about(-off)} sooner")

    def _never(self, came: list[float], runs: int) -> tuple[Call, str]:
        if self.watched and self.watched < max(came):
            return Call.UNTOLD, f"one looked for {about(self.watched)} only, and it took {about(max(came))} before"
        often = "" if len(came) == runs else f" in {len(came)} of {runs} runs"
        return Call.WORSE, f"it no longer comes, and came{often} before"


@dataclass(frozen=True)
class Duration(Lapse):
    """How long something lasted; its difference is said so."""

    def _call(
        self, before: Sequence[Lapse], came: list[float], usual: float | None, tolerance: Tolerance
    ) -> tuple[Call, str]:
        call, why = super()._call(before, came, usual, tolerance)
        return call, why.replace(" later", " longer").replace(" sooner", " shorter")


def _about(seconds: float | None) -> str:
    if not seconds:
        return "never" if seconds is None else "0 s"
    return about(seconds)
