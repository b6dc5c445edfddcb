"""Expectation: what a step wants to see, as `> 0.3` or `== 200`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_FORM = re.compile(r"\s*([<>]=?|[=!]=)\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True)
class Comparison:
    """A comparison with a number; the operators are PromQL's."""

    operator: str
    bound: float

    @classmethod
    def parse(cls, text: object) -> Comparison:
        """Read `> 0.3`. Raises ValueError with the remedy."""
        match = _FORM.fullmatch(text) if isinstance(text, str) else None
        if match is None or not math.isfinite(float(match[2])):
            raise ValueError(f"{text!r} is not an expectation; write '> 0.3', '<= 0.01' or '== 1'")
        return cls(match[1], float(match[2]))

    def holds(self, value: float) -> bool:
        """Whether one value is as expected; NaN never is."""
        return value == value and _OPERATORS[self.operator](value, self.bound)

    def holds_for_all(self, values: Sequence[float]) -> bool:
        """Whether there are values and each is as expected: no data is never what was expected."""
        return bool(values) and all(map(self.holds, values))

    def __str__(self) -> str:
        return f"{self.operator} {self.bound!r}".removesuffix(".0")


def _comparison(value: object) -> Comparison:
    return value if isinstance(value, Comparison) else Comparison.parse(value)


Expectation = Annotated[Comparison, BeforeValidator(_comparison)]
"""A pydantic field, written `> 0.3`."""
