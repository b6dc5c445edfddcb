"""Report: how the protocols tell Locust about an answer, without knowing Locust."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One request that ended.

    method: `GET`, `POST`, `WS`. name: what it was for, as `order`. seconds: None for what has no answer, as a comment.
    size: bytes of the answer. error: why it failed, or None.
    """

    method: str
    name: str
    seconds: float | None
    size: int = 0
    error: Exception | None = None


Report = Callable[[Request], None]
