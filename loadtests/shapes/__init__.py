"""Shapes: viewers over time. `Shape` is one with its parameters, as a load's configuration has it."""

from __future__ import annotations

from typing import Annotated, Literal, assert_never

from pydantic import Field, model_validator

from flashcrowd.documents import Model
from flashcrowd.units import Duration
from loadtests import people
from loadtests.shapes import curves
from loadtests.shapes.trace import Point, read_trace

ShapeName = Literal["ramp", "steps", "spike", "doorbuster", "soak", "trace"]

STEPS = 5
"""Steps of a staircase, unless said otherwise."""


class Shape(Model):
    """A shape by its name, with its parameters in seconds.

    over: until the peak is reached (of a spike: how long its rise and its fall take). steps: of a staircase. stay: how
    long a viewer of a soak stays, on average. points: of a trace, which also give its duration.
    """

    name: ShapeName = "ramp"
    over: Annotated[Duration, Field(ge=0)]
    duration: Annotated[Duration, Field(gt=0)]
    steps: Annotated[int, Field(ge=1)] = STEPS
    stay: Annotated[Duration, Field(ge=curves.CHURN)] = people.STAY
    points: tuple[Point, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Shape:
        if self.name == "spike" and self.over > self.duration / 3:
            raise ValueError("a spike's rise may take a third of the duration at most; make over shorter")
        if (self.name == "trace") != bool(self.points):
            raise ValueError("a trace, and no other shape, has the points of a file; give trace")
        return self

    def at(self, elapsed: float, peak: int) -> int | None:
        """The viewers wanted after `elapsed` seconds; None when the load is over."""
        match self.name:
            case "ramp":
                return curves.ramp(elapsed, peak, self.over, self.duration)
            case "steps":
                return curves.steps(elapsed, peak, self.over, self.duration, self.steps)
            case "spike":
                return curves.spike(elapsed, peak, self.over, self.duration)
            case "doorbuster":
                return curves.doorbuster(elapsed, peak, self.over, self.duration)
            case "soak":
                return curves.soak(elapsed, peak, self.over, self.duration, self.stay)
            case "trace":
                return curves.trace(elapsed, peak, self.points)
            case _:
                assert_never(self.name)

    @property
    def idle(self) -> bool:
        """Whether the viewers wait for an event, instead of doing their tasks."""
        return self.name == "doorbuster"


__all__ = ["STEPS", "Point", "Shape", "ShapeName", "read_trace"]
