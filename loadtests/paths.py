"""Paths: where in a JSON answer a value is, in the one kind of JSONPath that a target file needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flashcrowd.errors import InputError


def parse_path(text: str, field: str = "order_id") -> tuple[str, ...]:
    """The steps of a path such as `$.data.order_id`. Raises InputError for any other kind of JSONPath."""
    first, *steps = text.split(".")
    if first != "$" or not steps or not all(step.replace("_", "a").replace("-", "a").isalnum() for step in steps):
        raise InputError(f"{field}: '{text}' is not a path of names; write it like $.data.order_id")
    return tuple(steps)


def read_path(body: bytes, path: Sequence[str]) -> str:
    """The value at the path of a JSON body, as text; empty where there is none, or null."""
    try:
        node: Any = json.loads(body)
        for step in path:
            node = node[step]
    except (ValueError, KeyError, TypeError):
        return ""
    return "" if node is None else str(node)
