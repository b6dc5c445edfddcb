"""Query lint: what is known to go wrong in PromQL that parses, found in the text of one query.

Counters and gauges are told apart by their names (https://prometheus.io/docs/practices/naming/); recorded series, whose
names have a colon, are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import promql_parser

from flashcrowd.units import format_duration
from monitors.lint.query_labels import pairs_up
from monitors.promql import children, expand, nodes

_STAND_IN = 7919
"""Seconds, and prime: a window that no query has of its own."""
RATES = frozenset({"rate", "irate", "increase"})
OF_GAUGES = frozenset(
    {"delta", "idelta", "deriv", "predict_linear", "avg_over_time", "sum_over_time", "max_over_time", "min_over_time"}
)
_NO_VALUE = frozenset({"absent", "absent_over_time", "count", "group", "timestamp", "present_over_time", "changes"})
_COUNTER = re.compile(r"[^:]*_(total|count|sum|bucket)")
_SURE_COUNTER = re.compile(r"[^:]*_(total|bucket)")
_GAUGE = re.compile(
    r"up|[^:]*_(bytes|ratio|percent|celsius|info|active|size|length|depth|lag|usage|in_flight|inflight|current"
    r"|connections|timestamp_seconds|free|used|available|temperature|threads|workers|backlog|pending|limit|capacity"
    r"|utilization)"
)
_PATTERN = re.compile(r"\.[*+]|\||^\d\.\.$|^\^|\$$")


@dataclass(frozen=True)
class _Around:
    """What is around a node. functions: the innermost last; windowed: a subquery over the window; kept: the labels that
    an aggregation keeps; ranged: a range selector."""

    functions: tuple[str, ...] = ()
    windowed: bool = False
    kept: frozenset[str] = frozenset()
    ranged: bool = False

    @property
    def function(self) -> str:
        return self.functions[-1] if self.functions else ""


def findings(query: str) -> list[str]:
    """What can't work in a query template that has no `fault`, each once."""
    tree = promql_parser.parse(expand(query, f"{_STAND_IN}s"))
    return list(dict.fromkeys(_visit(tree, _Around())))


def _visit(node: Any, around: _Around) -> Iterator[str]:
    inside = around
    match type(node).__name__:
        case "AggregateExpr":
            kept = frozenset(node.modifier.labels) if _is_by(node) else frozenset()
            inside = replace(around, functions=(*around.functions, str(node.op)), kept=around.kept | kept)
        case "Call":
            yield from _call(node, around)
            inside = replace(around, functions=(*around.functions, node.func.name))
        case "SubqueryExpr":
            inside = replace(around, windowed=around.windowed or _is_window(node.range))
        case "MatrixSelector":
            if not around.windowed and not _is_window(node.range):
                yield _fixed(node.range)
            inside = replace(around, ranged=True)
        case "BinaryExpr":
            if (sides := pairs_up(node)) is not None:
                left, right = (f"{{{', '.join(sorted(side))}}}" for side in sides)
                yield f"{node.op} pairs series by their labels, {left} with {right}, and finds no pair; keep the same"
        case "VectorSelector":
            yield from _selector(node, around)
    for child in children(node):
        yield from _visit(child, inside)


def _call(node: Any, around: _Around) -> Iterator[str]:
    name = node.func.name
    if name == "histogram_quantile" and not around.windowed:
        yield (
            "a quantile is a latency, not a number of events; count those outside of the threshold's bucket: "
            'sum(rate(x_count[{{.window}}])) - sum(rate(x_bucket{le="0.5"}[{{.window}}]))'
        )
    if name == "irate":
        yield "irate looks at the last two samples of the window alone, not at all of it; write rate"
    inner = next((child for child in node.args if type(child).__name__ == "SubqueryExpr"), None)
    if name in RATES and inner is not None:
        below = list(nodes(inner.expr.prettify()))
        if any(hasattr(one, "func") and one.func.name in RATES for one in below):
            yield f"{name} of a rate is a rate of change of it, no number of events; leave one of them out"
        elif any(type(one).__name__ == "AggregateExpr" for one in below):
            yield (
                f"{name} over a sum takes the restart of one instance for a fall of the whole; "
                f"write sum({name}(...[{{{{.window}}}}])), the sum outside"
            )


def _selector(node: Any, around: _Around) -> Iterator[str]:
    name, function, functions = node.name or "", around.function, {*around.functions}
    bare = not around.ranged and not around.windowed and not functions & (_NO_VALUE | RATES)
    if bare and _COUNTER.fullmatch(name):
        yield f"{name} is a counter by its name: without a range it is all since the start; {_rated(name)}"
    if around.ranged and function in RATES and _GAUGE.fullmatch(name) and not _in_histogram(around):
        yield f"{function} of {name}, a gauge by its name, takes each fall for a restart; use delta or avg_over_time"
    if around.ranged and function in OF_GAUGES and _SURE_COUNTER.fullmatch(name):
        yield f"{function} is for gauges, and {name} is a counter by its name; {_rated(name)}"
    if node.offset or node.at is not None:
        yield f"{name or 'a selector'} is looked at at another time than the window judged; leave offset and @ out"
    yield from _matchers(node, around)


def _matchers(node: Any, around: _Around) -> Iterator[str]:
    name, matchers = node.name or "", list(node.matchers.matchers)
    known = {*(matcher.name for matcher in matchers), *around.kept}
    if name.endswith("_bucket") and "le" not in known and not _in_histogram(around):
        yield (
            f"{name} without le counts an event once in each bucket that it fits; "
            f'write le="0.5", say, or {name.removesuffix("_bucket")}_count'
        )
    for matcher in matchers:
        exact = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!="}.get(str(matcher.op))
        if exact is not None and _PATTERN.search(matcher.value):
            pattern = "=~" if exact == "=" else "!~"
            yield f'{matcher.name}{exact}"{matcher.value}" compares the text itself; for a pattern write {pattern}'


def _rated(name: str) -> str:
    return f"write rate({name}[{{{{.window}}}}])"


def _fixed(window: timedelta) -> str:
    length = format_duration(window.total_seconds())
    return f"looks at {length} whatever window is judged; write {{{{.window}}}} in its place"


def _is_window(window: timedelta) -> bool:
    return window.total_seconds() == _STAND_IN


def _is_by(node: Any) -> bool:
    return node.modifier is not None and str(node.modifier.type).endswith("By")


def _in_histogram(around: _Around) -> bool:
    return any(name.startswith("histogram_") for name in around.functions)
