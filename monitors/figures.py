"""Figures: ratios and counts as people read them, rounded without ever changing what they say."""

from __future__ import annotations

import math


def exact_percent(ratio: float) -> str:
    """A ratio that somebody chose, unrounded: 0.995 → `99.5 %`."""
    return f"{ratio * 100:.10g} %"


def bad_percent(ratio: float, budget: float) -> str:
    """A measured bad share beside its budget: 0.029 → `2.9 %`, 0.00031 → `0.031 %`; with as many digits as it takes
    for an overspent budget not to look kept."""
    for digits in range(2, 10):
        text = f"{_plain(ratio * 100, digits)} %"
        if ratio == budget or text != exact_percent(budget):
            return text
    return exact_percent(ratio)


def held_percent(bad: float, budget: float) -> str:
    """What was held, given the bad share: 0.0003 → `99.97 %`; never `100 %` when anything was bad."""
    shown = bad_percent(bad, budget).removesuffix(" %")
    decimals = len(shown.partition(".")[2])
    return f"{_trim(f'{100 - float(shown):.{decimals}f}')} %"


def count(number: float) -> str:
    """A number of events: 1204311.2 → `1,204,311`."""
    return f"{round(number):,}"


def about(number: float) -> str:
    """A number of events that is an estimate, rounded up to two significant digits: 2372 → `2,400`."""
    if number <= 0:
        return "0"
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return f"{math.ceil(number / unit) * unit:,}"


def _plain(value: float, digits: int) -> str:
    """So many significant digits and at least one decimal, without exponent and trailing zeros: 13.84 → `13.8`."""
    if value == 0:
        return "0"
    decimals = max(1, digits - 1 - math.floor(math.log10(abs(value))))
    return _trim(f"{value:.{decimals}f}")


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
