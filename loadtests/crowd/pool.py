"""Pool: long-lived greenlets ("lanes"), lent to a viewer for the length of one task.

A fresh greenlet per task costs as much as the whole rest of a request; a lane is switched into, and goes back. There
are as many as tasks are under way at once, up to a bound; beyond it tasks wait for a lane, and their lateness shows as
the generator's lag. What a task leaves in greenlet-local variables is still there for the next one: don't use them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]

Job = Callable[[], object]
_Wish = tuple[Job, float | None]
Report = Callable[[BaseException], None]

MOST = 20_000
"""Lanes of a process: one for each viewer that `ulimit -n` commonly lets it hold; about 5 KB each while it waits."""

IDLE = 128
"""Lanes kept when nobody needs them; more would keep the memory of the last rush."""


class Lane(greenlet):  # type: ignore[misc]
    """A greenlet of the pool, by which the code that it runs can be told from other greenlets' code.

    since: when the event arrived that its job reacts to, unix seconds. wanted: when its job should have begun, for the
    first request to take. Both are unset unless somebody knows.
    """

    __slots__ = ("since", "wanted")


def take_wanted() -> float | None:
    """When the current job should have begun, unix seconds, where it was on a schedule; told once."""
    lane = getcurrent()
    wanted: float | None = getattr(lane, "wanted", None)
    if wanted is not None:
        lane.wanted = None
    return wanted


class Pool:
    """The lanes of a process. All are children of the hub, into which they switch to wait.

    `run_next` is called by the engine, in the hub; `lend` by anybody, at any time. lags: where it is noted how late
    each job that was due at a moment has started, in seconds.
    """

    def __init__(self, hub: Any, report: Report, lags: list[float], most: int = MOST, idle: int = IDLE) -> None:
        self._hub, self._report, self._lags, self._most, self._idle_most = hub, report, lags, most, idle
        self._idle: list[Lane] = []
        self._waiting = deque[_Wish]()
        self.lanes = 0

    @property
    def waiting(self) -> int:
        """Jobs that have no lane yet."""
        return len(self._waiting)

    def lend(self, job: Job, due: float | None = None) -> None:
        """Run the job in a lane as soon as there is one; it may wait in there as long as it likes.

        due: when it should have started (`time.monotonic`); how late it does is put into `lags`.
        """
        self._waiting.append((job, due))

    def run_next(self) -> bool:
        """Start the first waiting job, until it waits or ends; False when there is none, or no lane for it."""
        if not self._waiting or not (self._idle or self.lanes < self._most):
            return False
        wish = self._waiting.popleft()
        if self._idle:
            self._idle.pop().switch(wish)
        else:
            self.lanes += 1
            Lane(self._work, self._hub).switch(wish)
        return True

    def _work(self, wish: _Wish) -> None:
        try:
            while True:
                job, due = wish
                if due is not None:
                    self._lags.append(max(0.0, time.monotonic() - due))
                try:
                    job()
                except GreenletExit:
                    pass
                except BaseException as error:
                    self._report(error)
                if self._waiting and self.lanes >= self._most:
                    wish = self._waiting.popleft()
                    continue
                if len(self._idle) >= self._idle_most:
                    return
                self._idle.append(greenlet.getcurrent())
                wish = self._hub.switch()
        finally:
            self.lanes -= 1
