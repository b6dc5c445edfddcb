"""Selectors: the series that the query of an SLO reads, so that they can be asked about themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser

from flashcrowd.units import format_duration

_COUNTING = frozenset({"rate", "irate", "increase", "resets"})
_PARTS = ("lhs", "rhs", "expr", "args", "param", "vector_selector")


@dataclass(frozen=True)
class Selector:
    """A set of series.

    text: name and matchers. counter: it is read as a counter, whose falls are restarts. offset: ` offset 1m`, where
    the query has one.
    """

    text: str
    counter: bool
    offset: str = ""

    def now(self) -> str:
        """PromQL of the newest samples."""
        return self.text + self.offset

    def over(self, seconds: float, at: str = "") -> str:
        """PromQL of the samples of the last `seconds`, or of those before `at`, as `end()`."""
        return f"{self.text}[{format_duration(seconds)}]" + (f" @ {at}" if at else "") + self.offset


def selectors(query: str) -> tuple[Selector, ...]:
    """What a query as it would be sent reads, each set of series once; those pinned to a time by `@` are left out."""
    return tuple(dict.fromkeys(_found(promql_parser.parse(query), False)))


def breaks(query: str) -> str | None:
    """The operator at which a query as it would be sent gives nothing when one of its sides has no series; None where
    it gives nothing only when there is nothing to count.

    `total - good` without any good event gives nothing, and so does `refused + timeouts` before the first timeout:
    taken for no bad event, that would be a pass of the worst.
    """
    return next(_breaking(promql_parser.parse(query)), None)


def _breaking(node: Any) -> Iterator[str]:
    if type(node).__name__ == "BinaryExpr":
        operator = str(node.op)
        if operator not in ("or", "unless") and not any(_is_number(side) for side in (node.lhs, node.rhs)):
            yield operator
    for child in _children(node):
        yield from _breaking(child)


def _is_number(node: Any) -> bool:
    return type(node).__name__ == "NumberLiteral"


def _children(node: Any) -> Iterator[Any]:
    for part in _PARTS:
        value = getattr(node, part, None)
        yield from (child for child in (value if isinstance(value, list) else [value]) if hasattr(child, "prettify"))


def _found(node: Any, counting: bool) -> Iterator[Selector]:
    if type(node).__name__ == "VectorSelector":
        if node.at is None:
            yield Selector(_text(node), counting, _offset(node.offset))
        return
    counting = node.func.name in _COUNTING if hasattr(node, "func") else counting
    for child in _children(node):
        yield from _found(child, counting)


def _text(node: Any) -> str:
    matchers = ",".join(str(matcher) for matcher in node.matchers.matchers)
    return f"{node.name or ''}{{{matchers}}}" if matchers or not node.name else node.name


def _offset(offset: timedelta | None) -> str:
    if not offset:
        return ""
    seconds = offset.total_seconds()
    return f" offset {'-' if seconds < 0 else ''}{format_duration(abs(seconds))}"
