"""Lint queries: the queries of runbooks beside what a Prometheus has, before somebody needs their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from flashcrowd.errors import InputError
from flashcrowd.template import fill, names
from monitors.lint.series import AT_ONCE, Asked, lacking
from monitors.prometheus import Prometheus
from monitors.promql import nodes
from runbooks.lint.finding import Finding, finding
from runbooks.lint.pages import Page
from runbooks.model import PromqlStep

_FILTERS = frozenset({"==", "!=", ">", "<", ">=", "<=", "and", "unless"})


async def findings(pages: Sequence[Page], server: Prometheus, variables: Mapping[str, str]) -> list[Finding]:
    """What the server lacks, of each query whose variables are all known.

    Raises:
        NeedError: it doesn't answer.
    """
    asked, few = Asked(server), asyncio.Semaphore(AT_ONCE)

    async def one(page: Page, step: PromqlStep) -> list[Finding]:
        if any(name not in variables for name in names(step.query)):
            return []
        query = fill(step.query, variables)
        async with few:
            try:
                said = await _said(query, asked, server)
            except InputError as error:
                return [finding("query-refused", page.file, step.line + 1, str(error), step.name)]
            except RecursionError:
                return [
                    finding("query-refused", page.file, step.line + 1, "is nested too deeply to be read", step.name)
                ]
        return [finding("query-nothing", page.file, step.line + 1, message, step.name) for message in said]

    steps = [(page, step) for page in pages for step in page.runbook if isinstance(step, PromqlStep)]
    return [found for several in await asyncio.gather(*(one(*pair) for pair in steps)) for found in several]


async def _said(query: str, asked: Asked, server: Prometheus) -> list[str]:
    """The names, labels and values that no series has; else that the query gives nothing, where it ought to."""
    missing = list(dict.fromkeys([message async for message in lacking(query, asked)]))
    if missing or await server.query(query) or _filters(query):
        return missing
    ranged = any(type(node).__name__ == "MatrixSelector" for node in nodes(query))
    why = "is a range shorter than two scrapes, or" if ranged else "is"
    return [f"gives nothing now, though there have been such series; {why} their exporter gone?"]


def _filters(query: str) -> bool:
    """Whether it is in the nature of a query to give nothing while all is well."""
    return any(
        (type(node).__name__ == "BinaryExpr" and str(node.op) in _FILTERS) or _looks_for_absence(node)
        for node in nodes(query)
    )


def _looks_for_absence(node: object) -> bool:
    called = getattr(node, "func", None)
    return called is not None and called.name in ("absent", "absent_over_time")
