"""Descent: which processes others have started, as what is done to a parent holds for its children."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def with_children(pids: Iterable[int], without: Iterable[int] = ()) -> list[int]:
    """These processes and all that descend from them now, parents before their children.

    without: processes that are left out, with all that descends from them alone.
    """
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found: dict[int, None] = {}
    left = [pid for pid in pids if pid not in (barred := set(without))]
    while left:
        pid = left.pop(0)
        if pid not in found and pid not in barred:
            found[pid] = None
            left += children.get(pid, [])
    return list(found)


def _parents() -> Iterable[tuple[int, int]]:
    """Every process of this machine with its parent (field 4 of /proc/PID/stat)."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            yield int(entry.name), int(stat.rpartition(")")[2].split()[1])
