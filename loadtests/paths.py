"""Paths: the value that a JSON answer has at the path of a target file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from flashcrowd.paths import parse_path

__all__ = ["parse_path", "read_path"]


def read_path(body: bytes, path: Sequence[str]) -> str:
    """The value at the path of a JSON body, as text; empty where there is none, or null."""
    try:
        node: Any = msgspec.json.decode(body)
        for step in path:
            node = node[step]
    except (msgspec.DecodeError, RecursionError, LookupError, TypeError):
        return ""
    return "" if node is None else str(node)
