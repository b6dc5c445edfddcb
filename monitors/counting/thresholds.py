"""Thresholds: whether a latency SLO counts exactly, or between the bucket edges around what it wants.

A histogram knows how many requests were faster than each of its edges, and nothing in between. An SLO that asks for an
edge is exact. One that asks for another value has two bounds: its queries with the edges below and above. The same
holds for `histogram_quantile(...) > T`: interpolation keeps the order, so T decides exactly where it is an edge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser

from monitors.prometheus import Prometheus

_COMPARISONS = frozenset({"<", "<=", ">", ">="})
_COMPARED = re.compile(r"([<>]=?\s*(?:bool\b)?\s*)(\d[\w.]*)")
_PARTS = ("lhs", "rhs", "expr", "args", "param", "vector_selector")


@dataclass(frozen=True)
class Threshold:
    """A latency that a query asks for. text: as the query has it; None where a quantile is compared with nothing that
    could be read. buckets: PromQL of the histogram's newest samples, all edges. matcher: it is an `le`."""

    text: str | None
    buckets: str
    matcher: bool


@dataclass(frozen=True)
class Around:
    """Edges around a threshold, as the server writes them. None: there is none on that side."""

    below: str | None
    above: str | None


def thresholds(query: str) -> tuple[Threshold, ...]:
    """The latencies that a query as it would be sent asks for, each once."""
    return tuple(dict.fromkeys(_found(promql_parser.parse(query), None)))


async def edges(prometheus: Prometheus, threshold: Threshold, at: float) -> tuple[str, ...]:
    """The edges of its histogram at a unix time, in order; none without samples. Raises as `Prometheus.query`."""
    found = {
        sample.labels.get("le", "") for sample in await prometheus.query(f"group by (le) ({threshold.buckets})", at)
    }
    return tuple(sorted((edge for edge in found if _number(edge) is not None), key=float))


def around(threshold: Threshold, found: Sequence[str]) -> Around | None:
    """The edges around it. None: it is an edge itself, spelled as the server does where that matters."""
    wanted = _number(threshold.text or "")
    if wanted is None or threshold.text in found or (not threshold.matcher and wanted in map(float, found)):
        return None
    below = [edge for edge in found if float(edge) <= wanted]
    above = [edge for edge in found if float(edge) >= wanted]
    return Around(below[-1] if below else None, above[0] if above else None)


def instead(query: str, threshold: Threshold, edge: str) -> str:
    """The query with an edge in the place of the threshold."""
    text = re.escape(threshold.text or "")
    if threshold.matcher:
        return re.sub(rf"""(\ble\s*=\s*)(["'`]){text}\2""", lambda match: f'{match[1]}"{edge}"', query)
    wanted, number = _number(threshold.text or ""), "Inf" if edge == "+Inf" else edge
    return _COMPARED.sub(lambda match: match[1] + (number if _number(match[2]) == wanted else match[2]), query)


def _found(node: Any, compared: str | None) -> Iterator[Threshold]:
    """compared: what the expression is compared with."""
    kind = type(node).__name__
    if kind == "VectorSelector":
        for matcher in node.matchers.matchers:
            if (
                matcher.name == "le"
                and matcher.op == promql_parser.MatchOp.Equal
                and _number(matcher.value) is not None
            ):
                yield Threshold(matcher.value, _buckets(node), True)
        return
    if hasattr(node, "func") and node.func.name == "histogram_quantile":
        yield from (Threshold(compared, _buckets(one), False) for one in _vectors(node))
        return
    if kind == "BinaryExpr" and str(node.op) in _COMPARISONS:
        yield from _found(node.lhs, getattr(node.rhs, "prettify", str)().strip() if _is_number(node.rhs) else None)
        yield from _found(node.rhs, None)
        return
    inner = compared if kind == "ParenExpr" else None
    for child in _children(node):
        yield from _found(child, inner)


def _children(node: Any) -> Iterator[Any]:
    for part in _PARTS:
        value = getattr(node, part, None)
        yield from (child for child in (value if isinstance(value, list) else [value]) if hasattr(child, "prettify"))


def _vectors(node: Any) -> Iterator[Any]:
    if type(node).__name__ == "VectorSelector":
        yield node
    for child in _children(node):
        yield from _vectors(child)


def _buckets(node: Any) -> str:
    matchers = ",".join(str(matcher) for matcher in node.matchers.matchers if matcher.name != "le")
    return f"{node.name or ''}{{{matchers}}}"


def _is_number(node: Any) -> bool:
    return type(node).__name__ == "NumberLiteral"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
