"""Room lines: the small rooms beside the head room, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor
from typing import Any


def room_lines(rooms: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A head and a row for each kind of room, 80 columns; nothing when all viewers were in rooms of one kind."""
    if sum(bool(counts["connections"]) for counts in rooms.values()) < 2:
        return
    yield f"{'rooms':<12}{'viewers':>9}{'connects':>9}{'comments heard':>16}{'on time':>10}{'p50':>12}{'p99':>12}"
    for kind, counts in rooms.items():
        heard, all_of_them = counts["on_time"] + counts["late"], counts["on_time"] + counts["late"] + counts["lost"]
        share = f"{floor(counts['on_time'] / all_of_them * 1e4) / 100:.2f} %" if all_of_them else "-"
        times = "".join(f"{counts['delivery'][name] * 1000:>9.0f} ms" for name in ("p50", "p99"))
        yield f"{kind:<12}{counts['most']:>9,}{counts['connections']:>9,}{heard:>16,}{share:>10}{times}"
    yield ""
