"""Text: a coverage on a terminal, 80 columns, readable without colour."""

from __future__ import annotations

from collections.abc import Iterator

from gamedays.coverage import words
from gamedays.coverage.coverage import Coverage
from gamedays.coverage.hole import Close
from gamedays.report.lines import WIDTH, wrap

INDENT = 14


def write(found: Coverage) -> str:
    """The whole of it: what was rehearsed, how much of what there is, the holes."""
    blocks = ["\n".join(_title(found)), *_matrix(found), "\n".join(_totals(found)), "\n".join(_holes(found))]
    return "\n\n".join(blocks)


def _title(found: Coverage) -> Iterator[str]:
    count = len(found.holes)
    right = f"{count} hole{'' if count == 1 else 's'}" if count else "NO HOLES"
    name = f"coverage of {found.subject.name}"
    yield f"{name:<{WIDTH - len(right)}}{right}" if len(name) + len(right) < WIDTH else f"{name} {right}"
    yield from wrap(words.rehearsed(found), 2)


def _matrix(found: Coverage) -> list[str]:
    """A row for each fault and SLO: the figures of the last rehearsal, and its way below them."""
    if not found.cells:
        return []
    rows = [words.figures(cell) for cell in found.cells]
    sizes = [max(len(row[column]) for row in (words.HEAD, *rows)) for column in range(len(words.HEAD))]
    lines = list(_line("Fault", words.HEAD, sizes))
    for cell, row in zip(found.cells, rows, strict=True):
        lines += _line(cell.fault, row, sizes)
        lines += wrap(f"{words.way(cell.latest)} · {words.state(found, cell)}", 6, first=4)
    return ["\n".join([*lines, "", *wrap(words.NOTE, 2)])]


def _line(name: str, cells: tuple[str, ...], sizes: list[int]) -> Iterator[str]:
    """The figures at the right end; the name beside them, or above them where it is too long."""
    right = "".join(f"  {cell:>{size}}" for cell, size in zip(cells, sizes, strict=True))
    room = WIDTH - 2 - len(right)
    if len(name) > room:
        yield from wrap(name, 4)
        name = ""
    yield f"  {name:<{room}}{right}"


def _totals(found: Coverage) -> Iterator[str]:
    for name, text in words.totals(found):
        yield from wrap(f"{name:<{INDENT - 2}}{text}", INDENT)


def _holes(found: Coverage) -> Iterator[str]:
    if not found.holes:
        yield "  Nothing is left to rehearse that is known here."
        return
    yield from wrap(f"Holes, the riskiest first: {words.counted(found)}", 2)
    for number, hole in enumerate(found.holes, 1):
        if number == 1 or found.holes[number - 2].close != hole.close:
            yield ""
        yield from wrap(f"{number:>3}  {hole.risk.value:<6}  {words.fact(hole)}", INDENT, first=1)
        if number == len(found.holes) or found.holes[number].close != hole.close:
            yield from _close(hole.close)


def _close(close: Close) -> Iterator[str]:
    """What would close a hole, and those above it that want the same."""
    if close.first:
        yield from wrap(f"{close.first}:" if close.command or close.step else close.first, INDENT + 2, first=INDENT)
    if close.command:
        yield from wrap(close.command, INDENT + 4, first=INDENT)
    yield from (" " * INDENT + line for line in close.step)
