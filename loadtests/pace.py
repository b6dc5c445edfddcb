"""Pace: how often a scenario's viewers act, as its file says: `wait_time`, the weights of its tasks, what they call.

The file is read, not run, because it imports Locust. What can't be read for certain is None: a guess would refuse a
plan that is right.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loadtests import people

ACTS = {("shop", "order"): "order", ("room", "say"): "comment", ("behaviour", "note"): "note"}
"""Calls of a viewer, by what they are made on."""


LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)
MANY = 10**6

TOLD_OF = {"sale.opened", "draw.opened", "draw.drawn", "closed"}
"""Events that come a few times in a run. What a viewer does at any other, nobody can count beforehand."""


@dataclass(frozen=True)
class Pace:
    """least, mean: seconds between two tasks of a viewer. usual, most: how many acts of each kind a task is, on average
    and at most; of those that no task is seen to do, and those in a loop, nothing is known."""

    least: float
    mean: float
    usual: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, int] = field(default_factory=dict)


def pace(file: Path) -> Pace | None:
    """The pace of the one class of viewers in a file; None where that can't be read."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    viewers = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    if len(viewers) != 1 or [getattr(base, "id", "") for base in viewers[0].bases] != ["CrowdUser"]:
        return None
    wait = _wait(viewers[0])
    if wait is None or not _listens_to(viewers[0]) <= TOLD_OF:
        return None
    return Pace(*wait, *_acts_of_tasks(viewers[0]))


def _wait(viewer: ast.ClassDef) -> tuple[float, float] | None:
    """The least and the mean of `wait_time = between(a, b)` or `constant(a)`."""
    for node in viewer.body:
        named = isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == ["wait_time"]
        if not (isinstance(node, ast.Assign) and named and isinstance(node.value, ast.Call)):
            continue
        name = getattr(node.value.func, "id", "")
        numbers = [_number(one) for one in node.value.args]
        if (name, len(numbers)) not in (("between", 2), ("constant", 1)):
            return None
        known = [number for number in numbers if number is not None]
        if len(known) == len(numbers) and min(known) > 0:
            return known[0], sum(known) / len(known)
    return None


def _number(node: ast.expr) -> float | None:
    """A number, one of `people`, or a product of such."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "people":
        value = getattr(people, node.attr, None)
        return float(value) if isinstance(value, int | float) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _number(node.left), _number(node.right)
        return left * right if left is not None and right is not None else None
    return None


def _listens_to(viewer: ast.ClassDef) -> set[object]:
    """The events that it has handlers for."""
    return {
        getattr(node.args[0], "value", None)
        for node in ast.walk(viewer)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "on" and node.args
    }


def _acts_of_tasks(viewer: ast.ClassDef) -> tuple[dict[str, float], dict[str, int]]:
    methods = {node.name: node for node in viewer.body if isinstance(node, ast.FunctionDef)}
    weights = {name: weight for name, node in methods.items() if (weight := _weight(node))}
    whole, usual, most = sum(weights.values()), dict[str, float](), Counter[str]()
    for name, weight in weights.items():
        for act, count in _acts(methods, name, frozenset()).items():
            usual[act] = usual.get(act, 0.0) + count * weight / whole
            most[act] = max(most[act], count)
    known = [act for act, count in most.items() if count < MANY]
    return {act: usual[act] for act in known}, {act: most[act] for act in known}


def _weight(method: ast.FunctionDef) -> float:
    """Of a task, 1 unless it says another; 0 of what is none."""
    for node in method.decorator_list:
        if getattr(node, "id", "") == "task":
            return 1.0
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "task":
            return (_number(node.args[0]) if node.args else None) or 1.0
    return 0.0


def _acts(methods: Mapping[str, ast.FunctionDef], name: str, seen: frozenset[str]) -> Counter[str]:
    """What a method does, itself and by the other methods that it calls, and how often; in a loop `MANY` times."""
    found = Counter[str]()
    if name not in methods or name in seen:
        return found
    looped = {id(inner) for node in ast.walk(methods[name]) if isinstance(node, LOOPS) for inner in ast.walk(node)}
    for node in ast.walk(methods[name]):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        on: str = getattr(node.func.value, "attr", "") or getattr(node.func.value, "id", "")
        times = MANY if id(node) in looped else 1
        if (on, node.func.attr) in ACTS:
            found[ACTS[on, node.func.attr]] += times
        elif on == "self":
            inner = _acts(methods, node.func.attr, seen | {name})
            found.update({act: count * times for act, count in inner.items()})
    return found
