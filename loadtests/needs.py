"""Needs: the blocks and events of a target that a scenario can't do without, as its file says in `NEEDS`.

The file is read, not run, because it imports Locust. A name with a dot is an event of spec.live.events, another one is
a block: `NEEDS = ("live", "shop", "sale.opened")`.
"""

from __future__ import annotations

import ast
from pathlib import Path

from flashcrowd.target import Target

NAME = "NEEDS"


def needs(file: Path) -> tuple[str, ...]:
    """What a scenario's file says that it needs; nothing, where it says nothing or is no Python."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ()
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == [NAME]:
            return _names(node.value)
    return ()


def lacking(file: Path, target: Target) -> list[str]:
    """What of that the target doesn't have, as paths of its file."""
    events = target.spec.live.events if target.spec.live is not None else {}
    missing = list[str]()
    for name in needs(file):
        if "." in name and name not in events:
            missing.append(f"spec.live.events.{name}")
        elif "." not in name and getattr(target.spec, name, None) is None:
            missing.append(f"spec.{name}")
    return missing


def _names(value: ast.expr) -> tuple[str, ...]:
    try:
        names = ast.literal_eval(value)
    except ValueError:
        return ()
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, tuple | list) else ()
