"""Report: how the protocols tell Locust about an answer, without knowing Locust."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol


class Request(NamedTuple):
    """One request that ended. (A tuple, because there are tens of thousands a second.)

    method: `GET`, `POST`, `WS`. name: what it was for, as `order`. seconds: response time, from the viewer's wish to
    the arrival of the answer; None for what has no answer, as a comment. size: bytes of the answer. error: why it
    failed, or None. service: seconds from the sending to the arrival, where there was an answer.
    """

    method: str
    name: str
    seconds: float | None
    size: int = 0
    error: Exception | None = None
    service: float | None = None


Report = Callable[[Request], None]


class Log(Protocol):
    """A report that keeps back what it counts later, many at once."""

    def __call__(self, request: Request) -> None: ...
    def pour(self) -> None:
        """Count it now."""
