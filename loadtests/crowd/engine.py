"""Engine: the loop that holds all viewers of a process: their sockets, their timers, and the lanes of their tasks.

It lives inside gevent's hub. The descriptor of one epoll object is watched by the hub; when a socket has something,
the hub calls `_turn`, which reads all of them, runs what is due, and switches into the lanes that may go on:

    hub ─► _turn: sockets ─► timers ─► lanes, a slice of them ─► back to the hub (Locust's own greenlets have their say)

So nothing in a turn may wait, lanes excepted. Where the system has no epoll, the hub watches each socket itself: that
is slower and takes more memory, and `Engine.fast` says so.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from gevent import get_hub, monkey  # type: ignore[import-untyped]

from loadtests.crowd.addresses import Resolve, resolve
from loadtests.crowd.histogram import AT_ONCE, LatencyHistogram
from loadtests.crowd.pool import MOST, Job, Pool
from loadtests.crowd.sources import Sources
from loadtests.crowd.timers import Deadlines, Timer, Timers
from loadtests.crowd.waiter import Waiter

IN, OUT = 1, 4
"""Events of a socket: as epoll and gevent's loops have them both, readable is 1; writable is epoll's 4."""

READ = 65_536
_SLICE = 1024
_EVENTS = 1024
_LOGGER = logging.getLogger(__name__)


class Watched(Protocol):
    """What has a socket in the engine."""

    def ready(self, events: int) -> None:
        """The socket can be read, written, or is broken. May be called when it isn't; never waits."""

    def fail(self, error: Exception) -> None:
        """`ready` raised this."""


class Poller(Protocol):
    """Tells which descriptors are ready."""

    def register(self, fd: int, events: int) -> None: ...
    def modify(self, fd: int, events: int) -> None: ...
    def unregister(self, fd: int) -> None: ...
    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]: ...


class _HubPoller:
    """The fallback: a watcher of the hub per descriptor, instead of one for all of them."""

    def __init__(self, hub: Any, ready: Callable[[int, int], None]) -> None:
        self.hub, self._ready = hub, ready
        self._watchers: dict[int, Any] = {}

    def register(self, fd: int, events: int) -> None:
        watcher = self._watchers[fd] = self.hub.loop.io(fd, (events & IN) | (events & OUT) >> 1)
        watcher.start(self._ready, fd, events)

    def modify(self, fd: int, events: int) -> None:
        self.unregister(fd)
        self.register(fd, events)

    def unregister(self, fd: int) -> None:
        watcher = self._watchers.pop(fd)
        watcher.stop()
        watcher.close()

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        return []


class Engine:
    """One per process, made in its main greenlet.

    start_lag: how late viewers were started after the moment they were due. read_lag: how long what had arrived
    waited to be read. Both are ours, not the server's; `start_lags` and `read_lags` are those that `settle` has yet to
    count. unstamped: reads for which the kernel gave no time of arrival; `reads` counts all. turns: of the loop.
    resolve: looks hosts up; a guard fits in there.
    """

    def __init__(self, epoll: bool = True, lanes: int | None = None) -> None:
        self.hub: Any = get_hub()
        self.start_lag, self.read_lag = LatencyHistogram(), LatencyHistogram()
        self.start_lags, self.read_lags = list[float](), list[float]()
        self.pool = Pool(self.hub, self.report, self.start_lags, lanes or MOST)
        self.timers = Timers()
        self.sources = Sources()
        self.resolve: Resolve = resolve
        self.buffer = bytearray(READ)
        self.view = memoryview(self.buffer)
        self.buffers = (self.buffer,)
        self.reads = self.unstamped = self.errors = self.turns = 0
        self._watched: dict[int, Watched] = {}
        self._resuming = deque[Callable[[], object]]()
        self._deadlines: dict[float, Deadlines] = {}
        self._scheduled = False
        self._alarm: Any = None
        self._alarm_at = float("inf")
        self._poller, self.fast = self._make_poller(epoll)

    def watch(self, fd: int, what: Watched, events: int) -> None:
        """Call `what.ready` whenever one of the events is there."""
        self._watched[fd] = what
        self._poller.register(fd, events)

    def rewatch(self, fd: int, events: int) -> None:
        """Look for other events of a watched descriptor."""
        self._poller.modify(fd, events)

    def forget(self, fd: int) -> None:
        """Watch it no longer: before it is closed."""
        if self._watched.pop(fd, None) is not None:
            self._poller.unregister(fd)

    @property
    def watching(self) -> int:
        """Sockets that are watched."""
        return len(self._watched)

    def at(self, due: float, call: Callable[[], object]) -> Timer:
        """Call, in the hub, once `time.monotonic()` is `due`; `timers.cancel` takes it back."""
        timer = self.timers.add(due, call)
        if due < self._alarm_at:
            self._set_alarm(due)
        return timer

    def after(self, seconds: float, call: Callable[[], object]) -> Timer:
        """As `at`, so many seconds from now."""
        return self.at(time.monotonic() + seconds, call)

    def deadlines(self, seconds: float) -> Deadlines:
        """The deadlines that are so far away; the same for everybody who asks."""
        if seconds not in self._deadlines:
            self._deadlines[seconds] = Deadlines(seconds, self.at, time.monotonic)
        return self._deadlines[seconds]

    def lend(self, job: Job, due: float | None = None) -> None:
        """Run a job in a lane. `due`: when it should have started; how late it is then, is the generator's lag."""
        self.pool.lend(job, due)
        self._schedule()

    def call(self, call: Callable[[], object]) -> None:
        """Call in the hub, soon."""
        self._resuming.append(call)
        self._schedule()

    def sleep(self, seconds: float) -> None:
        """Let the current greenlet wait; how late it wakes is the generator's lag."""
        due = time.monotonic() + max(0.0, seconds)
        waiter: Waiter[None] = Waiter(self)
        timer = self.at(due, lambda: waiter.set(None))
        try:
            waiter.wait()
        finally:
            self.timers.cancel(timer)
        self.start_lags.append(max(0.0, time.monotonic() - due))

    def pass_on(self) -> None:
        """Let the current greenlet wait until the others have had their turn."""
        waiter: Waiter[None] = Waiter(self)
        self.call(partial(waiter.set, None))
        waiter.wait()

    def settle(self) -> None:
        """Count the lags that are only noted: before anybody reads them."""
        self.start_lag.record_all(self.start_lags)
        self.read_lag.record_all(self.read_lags)
        self.start_lags.clear()
        self.read_lags.clear()

    def report(self, error: BaseException) -> None:
        """Something of ours raised where nobody can handle it: it is logged, and the loop goes on."""
        self.errors += 1
        _LOGGER.error("in the crowd's loop", exc_info=error)

    def _make_poller(self, epoll: bool) -> tuple[Poller, bool]:
        try:
            made = monkey.get_original("select", "epoll")() if epoll else None
        except AttributeError:
            made = None
        if made is None:
            return _HubPoller(self.hub, self._one_ready), False
        self._readable = self.hub.loop.io(made.fileno(), 1)
        self._readable.start(self._turn)
        return made, True

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self.hub.loop.run_callback(self._turn)

    def _set_alarm(self, due: float) -> None:
        if self._alarm is not None:
            self._alarm.stop()
            self._alarm.close()
        self._alarm_at = due
        self._alarm = self.hub.loop.timer(max(0.0, due - time.monotonic()))
        self._alarm.start(self._turn, update=True)

    def _turn(self) -> None:
        """Everything that there is to do now. Raises nothing: it would end the hub's patience, not the fault."""
        self.turns += 1
        self._scheduled = True  # what is called from here on has its turn in this one
        more = True
        try:
            more = self._work_through()
        finally:
            self._scheduled = False
            if more:
                self._schedule()
        if len(self.read_lags) >= AT_ONCE or len(self.start_lags) >= AT_ONCE:
            self.settle()
        due = self.timers.next_due()
        if due is None:
            self._alarm_at = float("inf")
        elif due != self._alarm_at:
            self._set_alarm(due)

    def _work_through(self) -> bool:
        """Sockets, timers, lanes; whether there is more to do at once."""
        watched = self._watched
        for fd, events in self._poller.poll(0, _EVENTS):
            what = watched.get(fd)
            if what is not None:
                try:
                    what.ready(events)
                except Exception as error:
                    self._failed(what, error)
        for call in self.timers.take_due(time.monotonic()):
            self._safely(call)
        return self._go_on()

    def _one_ready(self, fd: int, events: int) -> None:
        what = self._watched.get(fd)
        if what is not None:
            try:
                what.ready(events)
            except Exception as error:
                self._failed(what, error)

    def _failed(self, what: Watched, error: Exception) -> None:
        if not isinstance(error, OSError):
            self.report(error)
        what.fail(error)

    def _go_on(self) -> bool:
        """A slice of the lanes that may go on; whether there are more: in the next turn, after sockets have been read.

        Those that start come first: a late start changes what the crowd does. A late end changes nothing, as it is the
        kernel that says when an answer arrived.
        """
        resuming, run_next = self._resuming, self.pool.run_next
        for _ in range(_SLICE):
            try:
                if not run_next():
                    if not resuming:
                        return False
                    resuming.popleft()()
            except Exception as error:
                self.report(error)
        return True

    def _safely(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            self.report(error)
