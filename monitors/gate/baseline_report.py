"""Baseline report: what a comparison with a baseline came to, in lines and JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flashcrowd.verdict import Outcome, merge
from monitors.gate.baseline import Baseline, Compared


@dataclass(frozen=True)
class Beside:
    """All that was compared with one baseline."""

    baseline: Baseline
    compared: Sequence[Compared]

    @property
    def name(self) -> str:
        return f"the baseline of {self.baseline.when}"

    @property
    def sentence(self) -> str:
        """What it comes to: `fail: 1 of 3 objectives is worse than the baseline`."""
        known = [found.outcome for found in self.compared if found.outcome is not None]
        if not known:
            return "baseline: nothing could be compared"
        outcome = merge(known)
        number, all_ = known.count(outcome), f"{len(known)} {'objective' if len(known) == 1 else 'objectives'}"
        what = {
            Outcome.PASS: f"none of {all_} is worse than the baseline",
            Outcome.FAIL: f"{number} of {all_} {'is' if number == 1 else 'are'} worse than the baseline",
            Outcome.INCONCLUSIVE: f"{number} of {all_} can't be compared with the baseline",
        }[outcome]
        left_out = len(self.compared) - len(known)
        return f"{outcome.value}: {what}{f'; {left_out} left out' if left_out else ''}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "at": self.baseline.at,
            "window_seconds": self.baseline.window_seconds,
            "objectives": [found.as_dict() for found in self.compared],
        }


def lines(beside: Beside) -> list[str]:
    """A heading, and a line for each objective."""
    size = max(len(found.slo) for found in beside.compared)
    return [f"beside {beside.name}", *(f"{found.slo:<{size}}  {found.message}" for found in beside.compared)]
