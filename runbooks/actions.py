"""Action: what a step does to the outside, once; what came of it, and the two ways in which it can fail.

The difference between them decides what a rollback takes back: a step that may have acted is undone, one that
certainly hasn't is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from flashcrowd.errors import FlashcrowdError
from runbooks.execution import State

CAPTURED = 65_536
"""Bytes of an answer or of a script's output that are looked at: an answer's first, a script's last."""


@dataclass(frozen=True)
class Seen:
    """What came of an action. values: of a query's series, one each. refused: it is certain that nothing changed."""

    state: State = State.DONE
    message: str = ""
    output: str = ""
    values: tuple[float, ...] = ()
    refused: bool = False


class ActionError(FlashcrowdError):
    """A step failed; it may have acted all the same. output: what came back until then."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class RefusedError(ActionError):
    """A step failed, and it is certain that it changed nothing."""
