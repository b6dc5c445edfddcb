"""Load check: what a plan's load says of its shape, and the trace that it follows, read before the first packet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flashcrowd.documents import Document
from flashcrowd.errors import DocumentError, Problem
from gamedays.plan import Plan
from loadtests.shapes import Point, read_trace

_PARAMETERS = {"steps": "steps", "stay": "soak"}
"""Fields that mean something for one shape alone."""


@dataclass(frozen=True)
class LoadCheck:
    """points: of the trace, none for another shape. problems: of the load's shape, and of the trace's file."""

    points: tuple[Point, ...]
    problems: tuple[Problem, ...]

    @property
    def duration(self) -> float | None:
        """Seconds of the trace; None for another shape."""
        return self.points[-1][0] if self.points else None

    def complete(self, plan: Plan) -> Plan:
        """The plan with the trace's length as the time that its load is held."""
        if self.duration is None:
            return plan
        load = plan.spec.load.model_copy(update={"over": 0.0, "hold": self.duration})
        return plan.model_copy(update={"spec": plan.spec.model_copy(update={"load": load})})


def check_load(source: Document) -> LoadCheck:
    """Look at `spec.load` of a plan, leniently: what isn't there or has another type is the model's to tell."""
    load = source.get("spec", "load")
    if not isinstance(load, dict):
        return LoadCheck((), ())
    problems = [source.problem(("spec", "load", field), text) for field, text in _fields(source)]
    file = load.get("trace")
    try:
        points = read_trace(source.file.parent / file) if isinstance(file, str) else ()
    except DocumentError as error:
        return LoadCheck((), (*problems, *error.problems))
    return LoadCheck(points, tuple(problems))


def _fields(source: Document) -> Iterator[tuple[str, str]]:
    """Fields of the load that are missing or out of place, and why."""
    load = source.get("spec", "load")
    shape = load.get("shape", "ramp")
    for field in ("over", "hold"):
        if shape != "trace" and field not in load:
            yield field, "is missing"
        if shape == "trace" and field in load:
            yield field, "a trace says by itself how long it is; leave it out"
    for field, owner in _PARAMETERS.items():
        if field in load and shape != owner:
            yield field, f"is for shape: {owner}; the shape is {shape}"
    steps, viewers = load.get("steps"), load.get("viewers")
    if isinstance(steps, int) and isinstance(viewers, int) and steps > viewers:
        yield "steps", f"{steps} steps for {viewers} viewers; give a viewer at least for each step"
    rooms = load.get("rooms")
    if isinstance(rooms, list) and len({str(room) for room in rooms}) < len(rooms):
        yield "rooms", "a room is named twice"
    count = len(rooms) if isinstance(rooms, list) else rooms
    if isinstance(count, int) and isinstance(viewers, int) and count > viewers:
        yield "rooms", f"{count} rooms for {viewers} viewers; give a viewer at least for each room"
