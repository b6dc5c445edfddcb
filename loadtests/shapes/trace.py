"""Trace: viewers over time as a CSV file has them, `seconds,viewers`, of a day that was or that is feared."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
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
    found = [(number, _point(file, number, row, problems)) for number, row in rows[1:]]
    points = [(number, point) for number, point in found if point is not None]
    problems += _backwards(file, points)
    if not problems:
        problems += _whole(file, points)
    if problems:
        raise DocumentError(problems)
    return tuple(point for _, point in points)


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


def _backwards(file: Path, points: Sequence[tuple[int, Point]]) -> Iterator[Problem]:
    for (_, (before, _)), (line, (seconds, _)) in pairwise(points):
        if seconds <= before:
            yield Problem(file, line, "seconds", f"{seconds:g} is not after {before:g}; rows go forward in time")


def _whole(file: Path, points: Sequence[tuple[int, Point]]) -> Iterator[Problem]:
    """What is wrong although every row is right."""
    if len(points) < 2:
        yield Problem(file, 0, "", f"has {len(points)} rows; a trace has a beginning and an end")
    elif points[0][1][0] != 0:
        line, (seconds, _) = points[0]
        yield Problem(file, line, "seconds", f"begins at {seconds:g}; the first row is second 0")
    if points and max(viewers for _, (_, viewers) in points) < 1:
        yield Problem(file, 0, "viewers", "nobody ever comes; a load wants a viewer")


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
