"""Trace: viewers over time as a CSV file has them, `seconds,viewers`, of a day that was or that is feared."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from flashcrowd.documents import read_text
from flashcrowd.errors import DocumentError, Problem

Point = tuple[float, float]
"""Seconds since the start, and viewers."""

HEADER = ["seconds", "viewers"]


def read_trace(file: Path) -> tuple[Point, ...]:
    """The points of a CSV file with the header `seconds,viewers`. Lines without anything are passed over.

    Raises:
        DocumentError: with every fault of the file.
    """
    rows = [(number, row) for number, row in enumerate(csv.reader(read_text(file).splitlines()), 1) if any(row)]
    if not rows or [cell.strip() for cell in rows[0][1]] != HEADER:
        raise DocumentError([Problem(file, rows[0][0] if rows else 0, "", f"wants the header {','.join(HEADER)}")])
    problems = list[Problem]()
    points = [point for number, row in rows[1:] if (point := _point(file, number, row, problems)) is not None]
    if not problems:
        problems += _whole(file, [number for number, _ in rows[1:]], points)
    if problems:
        raise DocumentError(problems)
    return tuple(points)


def _point(file: Path, line: int, row: Sequence[str], problems: list[Problem]) -> Point | None:
    """The point of a row; None, and its problems noted, where it has none."""
    if len(row) != len(HEADER):
        problems.append(Problem(file, line, "", f"has {len(row)} values; wants seconds,viewers"))
        return None
    numbers = [_number(cell) for cell in row]
    problems += [
        Problem(file, line, name, f"'{cell.strip()}' is not a number from 0")
        for name, cell, number in zip(HEADER, row, numbers, strict=True)
        if number is None
    ]
    seconds, viewers = numbers
    return (seconds, viewers) if seconds is not None and viewers is not None else None


def _whole(file: Path, lines: Sequence[int], points: Sequence[Point]) -> Iterator[Problem]:
    """What is wrong although every row is a point."""
    for line, (before, _), (seconds, _) in zip(lines[1:], points, points[1:], strict=False):
        if seconds <= before:
            yield Problem(file, line, "seconds", f"{seconds:g} is not after {before:g}; rows go forward in time")
    if len(points) < 2:
        yield Problem(file, 0, "", f"has {len(points)} rows; a trace has a beginning and an end")
    elif points[0][0] != 0:
        yield Problem(file, lines[0], "seconds", f"begins at {points[0][0]:g}; the first row is second 0")
    if points and max(viewers for _, viewers in points) < 1:
        yield Problem(file, 0, "viewers", "nobody ever comes; a load wants a viewer")


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
