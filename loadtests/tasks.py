"""Task loop: Locust's choice and order of a viewer's tasks, one step at a time.

What `User.run` and `TaskSet.run` of Locust do in one greenlet's stack is done here step by step: nested TaskSets are a
list, and between two tasks there is no stack at all.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit  # type: ignore[import-untyped]
from locust import User
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from locust.user.task import LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING, TaskSet

if TYPE_CHECKING:
    from loadtests.users import CrowdUser

_LOGGER = logging.getLogger(__name__)
ENDS = (StopUser, StopTest, GreenletExit)
"""What ends a viewer, and is no fault of its task."""

_OURS = ("execute_next_task", "execute_task", "wait", "_sleep")
"""What a task loop does in a TaskSet's place; one that does it in its own way runs whole, and keeps its lane."""


class TaskLoop:
    """The tasks of one viewer. `_stack`: the TaskSets it is in, the innermost last; None outside of any."""

    __slots__ = ("_leaving", "_stack")

    def __init__(self) -> None:
        self._stack: list[TaskSet] | None = None
        self._leaving = False

    def _has_last_words(self, user: CrowdUser | None) -> bool:
        return any(type(one).on_stop not in _SILENT for one in (user, *(self._stack or ())))

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
            except ENDS:
                raise
            except Exception as error:
                tell(user, top or user, error)
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

    def _say_goodbye(self, user: CrowdUser | None) -> None:
        """on_stop, from the innermost TaskSet outwards."""
        for inner in reversed(self._stack or ()):
            self._quietly(inner.on_stop)
        if user is not None:
            self._quietly(user.on_stop)

    def _quietly(self, on_stop: Callable[[], object]) -> None:
        try:
            on_stop()
        except ENDS:
            if not self._leaving:
                raise
        except Exception as error:
            _LOGGER.error("on_stop failed", exc_info=error)


def tell(user: CrowdUser, where: CrowdUser | TaskSet, error: Exception) -> None:
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
