"""Life: a viewer's way through Locust's tasks without a greenlet of its own.

    new ─► starting ─► acting ⇄ parked ─► leaving ─► gone       starting, acting, leaving (on_start, tasks, on_stop):
                 └────────┴─────────┴───►                       in a lane; parked (wait_time): a timer, nothing else

What `User.run` and `TaskSet.run` of Locust do in one greenlet's stack, a Handle does step by step: nested TaskSets are
a list, and between two tasks there is no stack at all. Everything that a Runner asks of a greenlet, it answers.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from gevent.event import Event  # type: ignore[import-untyped]
from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]
from locust import User
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING, TaskSet

from loadtests.crowd.engine import Engine
from loadtests.crowd.timers import Timer

if TYPE_CHECKING:
    from loadtests.users import CrowdUser

_LOGGER = logging.getLogger(__name__)
_ENDS = (StopUser, StopTest, GreenletExit)
_OURS = ("execute_next_task", "execute_task", "wait", "_sleep")
"""What a Handle does in a TaskSet's place. One that does some of it in its own way runs whole, and keeps its lane."""

Link = Callable[["Handle"], object]


class Handle:
    """A viewer as a Runner's group holds it: in the place of the greenlet that it doesn't have."""

    __slots__ = ("__weakref__", "_engine", "_lane", "_leaving", "_links", "_stack", "_timer", "dead", "user")

    def __init__(self, user: CrowdUser, engine: Engine) -> None:
        self.user: CrowdUser | None = user
        self.dead = False
        self._engine = engine
        self._links: list[Link] = []
        self._stack: list[TaskSet] | None = None
        self._timer: Timer | None = None
        self._lane: greenlet | None = None
        self._leaving = False

    @property
    def args(self) -> tuple[CrowdUser, ...]:
        """By this a Runner finds the user of a greenlet; empty once the viewer is gone."""
        return () if self.user is None else (self.user,)

    @property
    def name(self) -> str:
        return f"viewer-{id(self):x}"

    @property
    def parked(self) -> bool:
        """Whether the viewer is between two tasks, with no lane."""
        user = self.user
        return user is not None and user._state == LOCUST_STATE_WAITING and self._lane is None and not self._leaving

    def ready(self) -> bool:
        return self.dead

    def rawlink(self, callback: Link) -> None:
        """Call once the viewer is gone."""
        if self.dead:
            self._engine.call(lambda: callback(self))
        else:
            self._links.append(callback)

    def unlink(self, callback: Link) -> None:
        self._links = [link for link in self._links if link != callback]

    def join(self, timeout: float | None = None) -> None:
        """Wait until the viewer is gone."""
        if not self.dead:
            gone = Event()
            self.rawlink(lambda _: gone.set())
            gone.wait(timeout)

    def kill(self, exception: Any = GreenletExit, block: bool = True, timeout: float | None = None) -> None:
        """End the viewer now: a task under way is interrupted, and on_stop runs."""
        if self._lane is not None:
            self._engine.call(self._interrupt)
        else:
            self._leave_parked()
        if block:
            self.join(timeout)

    def start(self) -> None:
        self._engine.lend(partial(self._in_lane, self._begin), time.monotonic())

    def _interrupt(self) -> None:
        if self._lane is not None:
            self._lane.throw(GreenletExit)
        else:
            self._leave_parked()

    def _leave_parked(self) -> None:
        if self.dead or self._leaving:
            return
        self._leaving = True
        if self._timer is not None:
            self._engine.timers.cancel(self._timer)
        if self._has_last_words():
            self._engine.lend(partial(self._in_lane, self._leave))
        else:
            self._gone()

    def _has_last_words(self) -> bool:
        return any(type(one).on_stop not in _SILENT for one in (self.user, *(self._stack or ())))

    def _in_lane(self, part: Callable[[], float | None]) -> None:
        """Run a part of the viewer's life; then park for as long as it says."""
        if self.dead or (self._leaving and part != self._leave):
            return
        self._lane = getcurrent()
        try:
            seconds = self._guarded(part)
        finally:
            self._lane = None
        if self._leaving:
            self._gone()
        elif seconds is not None:
            due = time.monotonic() + seconds
            self._timer = self._engine.at(due, self._wake)

    def _guarded(self, part: Callable[[], float | None]) -> float | None:
        engine, turn = self._engine, self._engine.turns
        try:
            seconds = part()
            while seconds is not None and seconds <= 0.0:  # no pause between tasks: keep the lane, but let others go on
                if engine.turns == turn:
                    engine.pass_on()
                turn = engine.turns
                seconds = self._go_on()
            return seconds
        except _ENDS:
            self._leave()
        except BaseException as error:  # as in Locust, the viewer is gone, without on_stop
            self._leaving = True
            _LOGGER.error("%s is lost", self.name, exc_info=error)
        return None

    def _wake(self) -> None:
        assert self._timer is not None
        due, self._timer = self._timer[0], None
        self._engine.lend(partial(self._in_lane, self._go_on), due)

    def _begin(self) -> float | None:
        user = self.user
        assert user is not None
        try:
            user.on_start()
        except _ENDS:
            raise
        except Exception as error:
            _tell(user, user, error)
            raise
        if user.parked:
            self._may_wait(user)
            if user.arrivals is not None:
                user.arrivals.enter(self)
            return None
        ahead = user.take_ahead()
        if ahead is None:
            return self._act(user)
        self._may_wait(user)
        return ahead

    def arrive(self, due: float) -> None:
        """As `arrivals.Arriving`."""
        self._engine.lend(lambda: self._in_lane(lambda: self._arrive(due)), due)

    def _arrive(self, due: float) -> None:
        user, lane = self.user, self._lane
        assert user is not None
        assert user.arrivals is not None
        assert lane is not None
        user.arrivals.started(due)
        user._state = LOCUST_STATE_RUNNING
        lane.wanted = time.time() - (time.monotonic() - due)
        try:
            user.arrive()
        except (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately):
            pass
        except _ENDS:
            raise
        except Exception as error:
            _tell(user, user, error)
            if not user.environment.catch_exceptions:
                raise
            _LOGGER.error("an arrival failed", exc_info=error)
        finally:
            lane.wanted = None
        self._may_wait(user)
        user.arrivals.free(self)

    def _go_on(self) -> float:
        user = self.user
        assert user is not None
        if user._state == LOCUST_STATE_STOPPING:
            raise StopUser
        user._state = LOCUST_STATE_RUNNING
        return self._act(user)

    def _act(self, user: CrowdUser) -> float:
        """Run tasks until the viewer wants to wait; gives the seconds. As `TaskSet.run`."""
        while True:
            top = self._stack[-1] if self._stack else None
            try:
                if self._do_next(user, top):
                    continue
            except RescheduleTaskImmediately:
                continue
            except RescheduleTask:
                pass
            except InterruptTaskSet as error:
                if top is None:
                    raise  # as in Locust: there is nothing around a user's own tasks
                self._stack = (self._stack or [])[:-1] or None
                self._quietly(top.on_stop)
                if error.reschedule:
                    continue
                top = self._stack[-1] if self._stack else None
            except _ENDS:
                raise
            except Exception as error:
                _tell(user, top or user, error)
                if not user.environment.catch_exceptions:
                    raise
                _LOGGER.error("a task failed", exc_info=error)
            self._may_wait(user)
            ahead = user.take_ahead()
            return ahead if ahead is not None else (top or user).wait_time()

    def _may_wait(self, user: CrowdUser) -> None:
        if user._state == LOCUST_STATE_STOPPING:
            raise StopUser
        user._state = LOCUST_STATE_WAITING

    def _do_next(self, user: CrowdUser, top: TaskSet | None) -> bool:
        """Run a task; whether the next follows without a wait, as on the way into a TaskSet."""
        task = _choose(user) if top is None else _next(top)
        if user._state == LOCUST_STATE_STOPPING:
            raise StopUser
        if isinstance(task, type) and issubclass(task, TaskSet):
            around: Any = top or user
            return self._enter(task(around))
        if top is None:
            task(user)
        else:
            top.execute_task(task)  # type: ignore[no-untyped-call]
        return False

    def _enter(self, inner: TaskSet) -> bool:
        if any(getattr(type(inner), name) is not getattr(TaskSet, name) for name in _OURS):
            inner.run()  # type: ignore[no-untyped-call]
            return False
        try:
            inner.on_start()
        except InterruptTaskSet as error:
            return bool(error.reschedule)
        self._stack = [*(self._stack or ()), inner]
        return True

    def _leave(self) -> None:
        """Say the last words, from the innermost TaskSet outwards."""
        self._leaving = True
        for inner in reversed(self._stack or ()):
            self._quietly(inner.on_stop)
        if self.user is not None:
            self._quietly(self.user.on_stop)

    def _quietly(self, on_stop: Callable[[], object]) -> None:
        try:
            on_stop()
        except _ENDS:
            if not self._leaving:
                raise
        except Exception as error:
            _LOGGER.error("%s: on_stop failed", self.name, exc_info=error)

    def _gone(self) -> None:
        if self.dead:
            return
        user = self.user
        self.dead, self.user, self._stack = True, None, None
        if user is not None:
            user._state = None
            user._group.discard(self)  # at once: Runners count users by it
            user.end()
        self._engine.call(self._call_links)  # in the hub: gevent's own links want that

    def _call_links(self) -> None:
        links, self._links = self._links, []
        for link in links:
            try:
                link(self)
            except Exception as error:
                _LOGGER.error("after %s had left", self.name, exc_info=error)


def _tell(user: CrowdUser, where: CrowdUser | TaskSet, error: Exception) -> None:
    user.environment.events.user_error.fire(user_instance=where, exception=error, tb=error.__traceback__)


def _choose(user: CrowdUser) -> Any:
    if not user.tasks:
        raise StopTest(f"{type(user).__name__} has no tasks; use @task, or mark it as abstract = True")
    return user.tasks[0] if len(user.tasks) == 1 else random.choice(user.tasks)


def _next(top: TaskSet) -> Any:
    if not top._task_queue:
        top.schedule_task(top.get_next_task())  # type: ignore[no-untyped-call]
    return top._task_queue.popleft()


_SILENT = (TaskSet.on_stop, User.on_stop)
