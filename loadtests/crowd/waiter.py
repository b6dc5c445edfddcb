"""Waiter: how a greenlet waits for one thing that happens in the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

_T = TypeVar("_T")


class Loop(Protocol):
    """What wakes those who wait. `hub`: where they wait."""

    hub: Any

    def call(self, call: Callable[[], object]) -> None:
        """Call in the hub, soon."""


class Waiter(Generic[_T]):
    """Waits for a value, or for an error. It happens once; what comes later is ignored.

    A greenlet that is killed while it waits is not woken again.
    """

    __slots__ = ("_error", "_greenlet", "_loop", "_value", "done")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._greenlet: greenlet | None = None
        self._value: _T | None = None
        self._error: BaseException | None = None
        self.done = False

    def set(self, value: _T) -> None:
        """It has come."""
        if not self.done:
            self._value = value
            self._wake()

    def fail(self, error: BaseException) -> None:
        """It won't come: `wait` raises this."""
        if not self.done:
            self._error = error
            self._wake()

    def wait(self) -> _T:
        """Wait in the current greenlet, which must not be the hub. Raises what `fail` was given."""
        self._greenlet = getcurrent()
        try:
            while not self.done:
                self._loop.hub.switch()
        finally:
            self._greenlet = None
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # it is set

    def _wake(self) -> None:
        self.done = True
        if self._greenlet is not None:
            self._loop.call(self._resume)

    def _resume(self) -> None:
        if self._greenlet is not None:
            self._greenlet.switch()
