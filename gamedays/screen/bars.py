"""Bars: values as a row of characters, one a second."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

BARS = "▁▂▃▄▅▆▇"
"""No full block: two rows of them would be one wall."""

UNKNOWN = "·"

WITHIN = "▆"
"""The lowest bar of an objective that is held."""

BURNS = (0.0, 1.0, 2.0, 5.0, 15.0, 50.0)
"""So many times the budget may be bad before the bar is the next lower one: the highest is nothing bad, `▆` is still
within the objective, all below are beyond it. As steps, since a miss of a few tenths of a percent must be seen."""


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values as a row of bars; the highest of them fills its cell."""
    shown = list(values)[-width:] if width > 0 else []
    top = max(shown, default=0.0)
    if top <= 0:
        return BARS[0] * len(shown)
    return "".join(BARS[min(len(BARS) - 1, int(value / top * (len(BARS) - 1) + 0.5))] for value in shown)


def held_line(good: Sequence[float | None], budget: float, width: int) -> str:
    """The last `width` good shares (0 to 1) beside the budget, the share that may be bad; `·` without events."""
    return "".join(_held(share, budget) for share in (good[-width:] if width > 0 else ()))


def _held(share: float | None, budget: float) -> str:
    if share is None:
        return UNKNOWN
    burn = round((1 - share) / budget, 9)  # 1 - 0.99 is a little more than 0.01
    return BARS[len(BARS) - 1 - bisect_left(BURNS, burn)]


def way(
    elapsed: float, duration: float, windows: Iterable[tuple[float, float]], marks: Iterable[float], width: int
) -> str:
    """How far a run is: `━` has passed, `─` is to come, `▓` and `░` the same inside of windows, `┿` and `┼` at marks.

    All in seconds since the start.
    """
    spans, instants = list(windows), [int(at / duration * width) for at in marks]
    cells = []
    for cell in range(width):
        start, end = cell * duration / width, (cell + 1) * duration / width
        past = end <= elapsed
        if cell in instants:
            cells.append("┿" if past else "┼")
        elif any(since < end and start < until for since, until in spans):
            cells.append("▓" if past else "░")
        else:
            cells.append("━" if past else "─")
    return "".join(cells)
