"""Look: the colour and the dash of each line of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gamedays.report.charts.ink import SERIES

RAW = " raw"
SOLID, DASHED = (1, 0), (5, 3)


@dataclass(frozen=True)
class Look:
    """number: of its colour, from 1. dash: lengths of stroke and gap, pixels."""

    number: int
    dash: tuple[int, int]

    @property
    def colour(self) -> str:
        return SERIES[self.number - 1]


def looks(names: Sequence[str]) -> dict[str, Look]:
    """One for each line: from the fifth on the colours come again, dashed; `x raw` has the colour of `x`, dashed."""
    plain = [name for name in names if _base(name, names) == name]
    found = {
        name: Look(number % len(SERIES) + 1, DASHED if number >= len(SERIES) else SOLID)
        for number, name in enumerate(plain)
    }
    return {name: found[name] if name in found else Look(found[_base(name, names)].number, DASHED) for name in names}


def _base(name: str, names: Sequence[str]) -> str:
    bare = name.removesuffix(RAW)
    return bare if bare in names else name
