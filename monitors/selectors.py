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


def _found(node: Any, counting: bool) -> Iterator[Selector]:
    if type(node).__name__ == "VectorSelector":
        if node.at is None:
            yield Selector(_text(node), counting, _offset(node.offset))
        return
    counting = node.func.name in _COUNTING if hasattr(node, "func") else counting
    for part in _PARTS:
        children = getattr(node, part, None)
        for child in children if isinstance(children, list) else [children]:
            if child is not None and hasattr(child, "prettify"):
                yield from _found(child, counting)


def _text(node: Any) -> str:
    matchers = ",".join(str(matcher) for matcher in node.matchers.matchers)
    return f"{node.name or ''}{{{matchers}}}" if matchers or not node.name else node.name


def _offset(offset: timedelta | None) -> str:
    if not offset:
        return ""
    seconds = offset.total_seconds()
    return f" offset {'-' if seconds < 0 else ''}{format_duration(abs(seconds))}"
