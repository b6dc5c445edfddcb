"""SLO lint: what is known to go wrong with the queries of SLOs, each finding with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import promql_parser

from flashcrowd.errors import Problem
from monitors.dialects.places import Places
from monitors.lint.queries import findings as query_findings
from monitors.lint.query_labels import labels, unsummed
from monitors.promql import children, expand
from monitors.slo import Slo


def findings(slos: Sequence[Slo], places: Mapping[str, Places]) -> list[Problem]:
    """All of them that the files alone show. Queries have no fault any more, or they wouldn't have become SLOs."""
    return [
        places[slo.id].problem(part, message)
        for slo in slos
        for part, message in dict.fromkeys([*_single(slo), *_together(slo)])
    ]


def queries(slo: Slo) -> dict[str, str]:
    """The query templates of an SLO by the names of their fields."""
    found = slo.sli.events or slo.sli.raw
    return {} if found is None else dict(found)


def _single(slo: Slo) -> Iterator[tuple[str, str]]:
    for part, query in queries(slo).items():
        for message in query_findings(query):
            yield part, message


def _together(slo: Slo) -> Iterator[tuple[str, str]]:
    if slo.sli.events is not None:
        yield from findings_of_events(slo.sli.events.error_query, slo.sli.events.total_query)


def findings_of_events(error_query: str, total_query: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the two together: the field, and the message."""
    errors, total = (promql_parser.parse(expand(query, "5m")) for query in (error_query, total_query))
    if errors.prettify() == total.prettify():
        yield "error_query", "is total_query: every event is bad"
    if unsummed(errors) or unsummed(total):
        part = "error_query" if unsummed(errors) else "total_query"
        yield part, "isn't summed: each series is divided by its own alone, and an SLO has one figure; write sum(...)"
        return
    kept, of_total = labels(errors), labels(total)
    if kept is not None and of_total is not None and kept != of_total:
        yield (
            "error_query",
            f"keeps {_set(kept)} and total_query {_set(of_total)}, so that they don't pair; keep the same",
        )
    elif of_total:
        yield "total_query", f"keeps {_set(of_total)}: a figure for each, and an SLO is judged by one; sum over them"
    if _filled_up(total):
        yield (
            "total_query",
            "makes 0 events of no data by `or vector(0)`, and nobody sees that it is gone; leave it out",
        )


def _filled_up(node: Any) -> bool:
    """Whether a query has `or vector(...)` somewhere."""
    if type(node).__name__ == "BinaryExpr" and str(node.op) == "or" and _is_vector(node.rhs):
        return True
    return any(_filled_up(child) for child in children(node))


def _is_vector(node: Any) -> bool:
    if type(node).__name__ == "ParenExpr":
        return _is_vector(node.expr)
    return hasattr(node, "func") and node.func.name == "vector"


def _set(names: frozenset[str]) -> str:
    return f"the labels {', '.join(sorted(names))}" if names else "no labels"
