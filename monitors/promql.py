"""PromQL: the queries of SLO files, which are templates over `{{.window}}`; parsed before they are ever sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import promql_parser

_WINDOW = re.compile(r"\{\{\s*\.window\s*\}\}")
_EVENTS = frozenset({"increase", "delta", "idelta", "changes", "count_over_time", "sum_over_time"})
_PER_SECOND = frozenset({"rate", "irate", "deriv"})
_PARTS = ("lhs", "rhs", "expr", "args", "param", "vector_selector")


class Unit(StrEnum):
    """What a query over a window gives."""

    PER_SECOND = "events per second"
    EVENTS = "events in the window"
    MIXED = "both"


def expand(query: str, window: str) -> str:
    """The query with its window, a Prometheus duration as `5m`, put in as Sloth does; its ends trimmed."""
    return _WINDOW.sub(window, query).strip()


def group(query: str) -> str:
    """The query in brackets, safe to stand in a larger one also when it ends with a comment."""
    return f"({query}\n)" if "#" in query else f"({query})"


def fault(query: str) -> str | None:
    """What is wrong with a query template, or None."""
    if not _WINDOW.search(query):
        return "has no {{.window}}, so that it can't be asked over another window"
    return syntax_fault(expand(query, "5m"))


def syntax_fault(query: str) -> str | None:
    """What is wrong with a query as it would be sent, or None."""
    try:
        promql_parser.parse(query)
    except ValueError as error:
        return f"is not PromQL: {error}"
    return None


def unit(query: str) -> Unit:
    """What a query template that has no `fault` gives; a recorded series without a function counts as a rate.

    The outermost function says it: `count_over_time((rate(x[1m]) > 5)[{{.window}}:1m])` counts.
    """
    called = set(_outermost(promql_parser.parse(expand(query, "5m"))))
    if called & _EVENTS and called & _PER_SECOND:
        return Unit.MIXED
    return Unit.EVENTS if called & _EVENTS else Unit.PER_SECOND


def nodes(query: str) -> Iterator[Any]:
    """Every node of a query as it would be sent, the outermost first. Raises ValueError where it isn't PromQL."""
    return _nodes(promql_parser.parse(query))


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in children(node):
        yield from _nodes(child)


def children(node: Any) -> Iterator[Any]:
    """The nodes right below one."""
    for name in _PARTS:
        part = getattr(node, name, None)
        yield from (child for child in (part if isinstance(part, list) else [part]) if child is not None)


def _outermost(node: Any) -> Iterator[str]:
    """The functions over a range that no other one is around."""
    if hasattr(node, "func") and node.func.name in _EVENTS | _PER_SECOND:
        yield node.func.name
        return
    for child in children(node):
        yield from _outermost(child)
