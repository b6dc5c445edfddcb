"""Figures: ratios and counts as people read them, rounded without ever changing what they say."""

from __future__ import annotations

import math


def percent(ratio: float) -> str:
    """A ratio (0 to 1) as a percentage of two significant digits: 0.029 → `2.9 %`, 0.00031 → `0.031 %`."""
    return f"{_plain(ratio * 100, 2)} %"


def bad_percent(ratio: float, budget: float) -> str:
    """A bad share beside its budget: with as many digits as it takes for an overspent budget not to look kept."""
    for digits in range(2, 8):
        text = f"{_plain(ratio * 100, digits)} %"
        if ratio == budget or text != percent(budget):
            return text
    return f"{ratio * 100:.10g} %"


def held_percent(bad: float, budget: float) -> str:
    """What was held, given the bad share: 0.0003 → `99.97 %`; never `100 %` when anything was bad."""
    shown = bad_percent(bad, budget).removesuffix(" %")
    decimals = len(shown.partition(".")[2])
    return f"{_trim(f'{100 - float(shown):.{decimals}f}')} %"


def objective_percent(objective: float) -> str:
    """An objective as its file has it: 99.5 → `99.5 %`."""
    return f"{objective:.10g} %"


def count(number: float) -> str:
    """A number of events: 1204311.2 → `1,204,311`."""
    return f"{round(number):,}"


def about(number: float) -> str:
    """A number of events that is an estimate, up to two significant digits: 2372 → `2,400`."""
    if number <= 0:
        return "0"
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return f"{math.ceil(number / unit) * unit:,}"


def _plain(value: float, digits: int) -> str:
    """Significant digits without an exponent, trailing zeros left out: 12.34 → `12`, 0.0310 → `0.031`."""
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return _trim(f"{value:.{decimals}f}")


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
