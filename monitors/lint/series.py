"""Series lint: queries of SLOs beside what a Prometheus has: series, labels and values that no series has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import Problem
from monitors.dialects.places import Places
from monitors.lint.queries import OF_GAUGES, RATES
from monitors.lint.slos import queries
from monitors.prometheus import Prometheus
from monitors.promql import expand, nodes
from monitors.slo import Slo

AT_ONCE = 4
_SHOWN = 5


async def findings(slos: Sequence[Slo], places: Mapping[str, Places], prometheus: Prometheus) -> list[Problem]:
    """What the queries ask for that isn't there.

    Raises:
        InputError, NeedError: as `Prometheus.query`.
    """
    asked, few = Asked(prometheus), asyncio.Semaphore(AT_ONCE)

    async def one(slo: Slo, part: str, query: str) -> list[Problem]:
        async with few:
            found = dict.fromkeys([message async for message in lacking(expand(query, "5m"), asked)])
            return [places[slo.id].problem(part, message) for message in found]

    work = [one(slo, part, query) for slo in slos for part, query in queries(slo).items()]
    return [problem for found in await asyncio.gather(*work) for problem in found]


class Asked:
    """What a Prometheus has, each asked once."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._known: dict[tuple[str, str], asyncio.Task[list[str]]] = {}

    async def names(self) -> list[str]:
        return await self._once("", "__name__", self._prometheus.label_values("__name__"))

    async def labels(self, metric: str) -> list[str]:
        return await self._once(metric, "", self._prometheus.label_names(metric))

    async def values(self, metric: str, label: str) -> list[str]:
        return await self._once(metric, label, self._prometheus.label_values(label, metric))

    async def kinds(self, metric: str) -> list[str]:
        return await self._once(metric, "type", self._prometheus.metric_types(metric))

    async def _once(self, metric: str, label: str, question: Any) -> list[str]:
        key = (metric, label)
        if key in self._known:
            question.close()
        else:
            self._known[key] = asyncio.ensure_future(question)
        return await self._known[key]


async def lacking(query: str, asked: Asked) -> AsyncIterator[str]:
    """What a query as it would be sent asks for that isn't there. Raises InputError, NeedError as `findings`."""
    for node in nodes(query):
        name = type(node).__name__
        if name == "VectorSelector" and node.name and not node.matchers.or_matchers:
            async for message in _selector(node, asked):
                yield message
        elif name == "Call" and node.func.name in RATES | OF_GAUGES:
            async for message in _kind(node, asked):
                yield message


async def _selector(node: Any, asked: Asked) -> AsyncIterator[str]:
    if not (labels := await asked.labels(node.name)):
        names = await asked.names()
        near = did_you_mean(node.name, names) if len(names) <= _SHOWN or _is_near(node.name, names) else ""
        yield f"no series is called {node.name}{near}"
        return
    for matcher in node.matchers.matchers:
        kind = str(matcher.op).rpartition(".")[2]
        if kind not in ("Equal", "Re") or _matches(kind, matcher.value, ""):
            continue
        if matcher.name not in labels:
            yield f"no series of {node.name} has the label {matcher.name}{did_you_mean(matcher.name, _own(labels))}"
            continue
        values = await asked.values(node.name, matcher.name)
        if not any(_matches(kind, matcher.value, value) for value in values):
            yield _unseen(node.name, matcher.name, "=~" if kind == "Re" else "=", matcher.value, values)


async def _kind(node: Any, asked: Asked) -> AsyncIterator[str]:
    """rate of what the server says is a gauge, and the other way round."""
    for argument in node.args:
        if type(argument).__name__ != "MatrixSelector" or not (name := argument.vector_selector.name):
            continue
        kinds, function = await asked.kinds(name), node.func.name
        if kinds == ["gauge"] and function in RATES:
            yield f"{function} of {name}, which the server says is a gauge, takes each fall for a restart"
        if kinds == ["counter"] and function in OF_GAUGES:
            yield f"{function} is for gauges, and the server says that {name} is a counter"


def _unseen(metric: str, label: str, sign: str, value: str, values: Sequence[str]) -> str:
    shown = ", ".join(sorted(values, key=_number)[: 3 * _SHOWN])
    more = f" and {len(values) - 3 * _SHOWN} more" if len(values) > 3 * _SHOWN else ""
    if label == "le":
        return f'{metric} has no bucket le{sign}"{value}", so that this gives nothing; its edges: {shown}{more}'
    return f'no series of {metric} has {label}{sign}"{value}" so far; there are: {shown}{more}'


def _number(value: str) -> tuple[float, str]:
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value


def _matches(kind: str, wanted: str, value: str) -> bool:
    """As Prometheus matches, with Python's patterns for RE2's; one that Python can't read is taken to match."""
    if kind == "Equal":
        return wanted == value
    try:
        return re.fullmatch(wanted, value) is not None
    except re.error:
        return True


def _own(labels: Sequence[str]) -> list[str]:
    return [label for label in labels if label != "__name__"]


def _is_near(name: str, names: Sequence[str]) -> bool:
    return did_you_mean(name, names).startswith("; did")
