"""Shapes: viewers over time, as pure functions of the time that has elapsed.

A shape function takes the elapsed seconds and the peak, and gives the viewers wanted at that instant, or None when
the load is over. The bridge to Locust asks it once a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from flashcrowd.documents import Model
from flashcrowd.units import Duration

ShapeName = Literal["ramp", "doorbuster"]


def ramp(elapsed: float, peak: int, over: float, duration: float) -> int | None:
    """Viewers arrive evenly over `over` seconds, and stay until `duration` seconds have passed since the start.

    ::

        peak │      ┌────────────────┐
             │    ╱                  │
             │  ╱                    │
           0 └┴─────┴────────────────┴─► elapsed
              0    over          duration
    """
    if elapsed >= duration:
        return None
    if elapsed >= over:
        return peak
    return math.floor(peak * max(0.0, elapsed) / over)


def doorbuster(elapsed: float, peak: int, over: float, duration: float) -> int | None:
    """A crowd gathers, ever faster as the hour comes nearer, and waits; at the opening everybody rushes at once.

    The viewers grow with the square of the time until `over`, when all are there: the doors should open a little later.
    They are idle, beside what their connection needs: no tasks, until an event (the sale's opening) makes them act.

    ::

        peak │         ┌─────────────┐
             │        ╱    doors     │
             │     . ╱     open      │
           0 └──  ‾ ───┴─────┴───────┴─► elapsed
              0       over       duration
    """
    if elapsed >= duration:
        return None
    if elapsed >= over:
        return peak
    return math.floor(peak * (max(0.0, elapsed) / over) ** 2)


_SHAPES: dict[str, Callable[[float, int, float, float], int | None]] = {"ramp": ramp, "doorbuster": doorbuster}


class Shape(Model):
    """A shape by its name, with its parameters in seconds."""

    name: ShapeName = "ramp"
    over: Annotated[Duration, Field(ge=0)]
    duration: Annotated[Duration, Field(gt=0)]

    def at(self, elapsed: float, peak: int) -> int | None:
        """The viewers wanted after `elapsed` seconds; None when the load is over."""
        return _SHAPES[self.name](elapsed, peak, self.over, self.duration)

    @property
    def idle(self) -> bool:
        """Whether the viewers wait for an event, instead of doing their tasks."""
        return self.name == "doorbuster"
