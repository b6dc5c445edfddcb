"""Waiting: how much of the time for which processes wanted a CPU they waited for one.

The kernel counts both for each thread in /proc/PID/task/TID/schedstat: nanoseconds on a CPU, and nanoseconds runnable
without one (Documentation/scheduler/sched-stats).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LEAST = 0.002
"""Seconds of wanting a CPU below which a share says nothing."""


@dataclass(frozen=True)
class Waiting:
    """Seconds that were run and waited, in a span of time."""

    ran: float
    waited: float

    @property
    def share(self) -> float | None:
        """Waited of wanted, 0 to 1; None for processes that were as good as idle."""
        wanted = self.ran + self.waited
        return self.waited / wanted if wanted >= LEAST else None


class Stopwatch:
    """Starts with all threads of some processes; those that start later are counted from their start."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = list(pids)
        self._before = _threads(self._pids)

    def read(self) -> Waiting:
        """What was run and waited since the start, by the threads that are still there."""
        now = _threads(self._pids)
        since = [_since(self._before.get(thread, (0, 0)), figures) for thread, figures in now.items()]
        return Waiting(sum(ran for ran, _ in since) / 1e9, sum(waited for _, waited in since) / 1e9)


def allowed_cpus(pids: Iterable[int]) -> set[int]:
    """The CPUs that any thread of these processes may use."""
    return set[int]().union(*(_allowed(thread) for pid in pids for thread in _thread_ids(pid)))


def _allowed(thread: int) -> set[int]:
    try:
        return os.sched_getaffinity(thread)
    except ProcessLookupError:
        return set()


def _threads(pids: Iterable[int]) -> dict[int, tuple[int, int]]:
    found = ((thread, _schedstat(pid, thread)) for pid in pids for thread in _thread_ids(pid))
    return {thread: figures for thread, figures in found if figures is not None}


def _thread_ids(pid: int) -> list[int]:
    try:
        return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []


def _schedstat(pid: int, thread: int) -> tuple[int, int] | None:
    try:
        ran, waited, _ = Path(f"/proc/{pid}/task/{thread}/schedstat").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return int(ran), int(waited)


def _since(before: tuple[int, int], now: tuple[int, int]) -> tuple[int, int]:
    return now[0] - before[0], now[1] - before[1]
