"""Descent: which processes others have started, as what is done to a parent holds for its children."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.linux.proc import children


def with_children(pids: Iterable[int], without: Iterable[int] = ()) -> list[int]:
    """These processes and all that descend from them now, parents before their children.

    without: processes that are left out, with all that descends from them alone.
    """
    below = children()
    found: dict[int, None] = {}
    left = [pid for pid in pids if pid not in (barred := set(without))]
    while left:
        pid = left.pop(0)
        if pid not in found and pid not in barred:
            found[pid] = None
            left += below.get(pid, [])
    return list(found)
