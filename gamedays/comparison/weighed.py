"""Weighed: one measured thing of two sides, before several of them together are corrected for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from gamedays.comparison.row import Call, Tolerance


@dataclass(frozen=True)
class Weighed:
    """What a measure says of two sides.

    call: where it needs no test; then why is its sentence. worse, better: the chances of so much worse or better a
    figure, tolerance granted, if nothing had changed. change: the difference in words. allowed: whether chance or
    tolerance explains a difference that doesn't count, in words. decides: whether the test could have found one.
    tested: it is one of the tests that are corrected for, also where the tolerance has made its own unnecessary.
    """

    before: str
    now: str
    unit: str
    value_before: float | None
    value_now: float | None
    call: Call | None = None
    why: str = ""
    worse: float = 1.0
    better: float = 1.0
    change: str = ""
    allowed: str = "within chance"
    decides: bool = True
    tested: bool = False


Self = TypeVar("Self", bound="Measure")


class Measure(Protocol):
    """Something measured in one run; less of it is better."""

    @property
    def unit(self) -> str:
        """`seconds`, `ratio`, or nothing."""

    @property
    def value(self) -> float | None:
        """The figure, for a trend; None where there is none."""

    @property
    def text(self) -> str:
        """The figure for people."""

    def weigh(self: Self, before: Sequence[Self], tolerance: Tolerance) -> Weighed:
        """It beside the same of one or several runs of before."""


def untold(measure: Measure | None, before: Measure | None, why: str) -> Weighed:
    """Both figures, if there are any, and why they can't be compared."""
    one = measure or before
    return Weighed(
        before.text if before else "-",
        measure.text if measure else "-",
        one.unit if one else "",
        before.value if before else None,
        measure.value if measure else None,
        Call.UNTOLD,
        why,
    )


def percent(ratio: float) -> str:
    """A change for people: 0.352 → `35 %`, 0.021 → `2.1 %`."""
    return f"{ratio * 100:.0f} %" if ratio >= 0.095 else f"{ratio * 100:.2g} %"
