"""Table: a Markdown table within a width. One that is wider is told row by row, as `date: 2026-11-26 · fault: …`."""

from __future__ import annotations

import re
import textwrap

_RULE = re.compile(r"[\s|:-]+")
"""The line below the head."""

_CELLS = re.compile(r"(?<!\\)\|")


def fitted(markdown: str, width: int, indent: str) -> list[str]:
    """The lines of a table; each line of a row behind its first is set in."""
    lines = markdown.split("\n")
    if all(len(indent) + len(line) <= width for line in lines):
        return [f"{indent}{line}".rstrip() for line in lines]
    head, *rows = [_cells(line) for line in lines if not _RULE.fullmatch(line)]
    told = (" · ".join(f"{name}: {cell}" for name, cell in zip(head, row, strict=False) if cell) for row in rows)
    return [line for row in told for line in _row(row, width, indent)]


def _row(text: str, width: int, indent: str) -> list[str]:
    hang = f"{indent}  "
    return textwrap.wrap(text, width, initial_indent=f"{indent}- ", subsequent_indent=hang, break_on_hyphens=False)


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in _CELLS.split(inner)]
