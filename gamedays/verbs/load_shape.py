"""Load shape: the words of a command line that say how many viewers there are when, made into a shape."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError
from flashcrowd.units import parse_duration
from loadtests import people
from loadtests.runner import LoadSpec
from loadtests.shapes import STEPS, ShapeName, read_trace

SHAPES: dict[str, ShapeName] = {name: name for name in get_args(ShapeName)}

RAMP = 2_000
"""Viewers a second that arrive unless --over says otherwise: a handshake costs a server of this kind about 0.3 ms."""

VIEWERS, DURATION = 100, "1m"
"""What a load has unless its words, or its trace, say otherwise."""


@dataclass(frozen=True)
class ShapeWords:
    """The options as they were typed; None for those that were not."""

    viewers: int | None = None
    shape: str | None = None
    duration: str | None = None
    over: str | None = None
    steps: int | None = None
    stay: str | None = None
    trace: Path | None = None


def shaped(load: LoadSpec, words: ShapeWords) -> LoadSpec:
    """The load with its viewers, its shape and the shape's parameters. Raises InputError for a word that is wrong."""
    name = _name(words)
    _check(name, words)
    if words.trace is not None:
        points = read_trace(words.trace)
        viewers = words.viewers or max(1, round(max(count for _, count in points)))
        return replace(load, viewers=viewers, shape=name, over=0.0, duration=points[-1][0], points=points)
    viewers, duration = words.viewers or VIEWERS, seconds("--duration", words.duration or DURATION)
    if duration <= 0:
        raise InputError("--duration: nobody comes for 0s; write 30s, say")
    over = seconds("--over", words.over) if words.over is not None else _over(name, viewers, duration)
    stay = seconds("--stay", words.stay) if words.stay is not None else people.STAY
    steps = words.steps or STEPS
    return replace(load, viewers=viewers, shape=name, over=over, duration=duration, steps=steps, stay=stay)


def seconds(option: str, value: str) -> float:
    """A duration. Raises InputError with the option's name."""
    try:
        return parse_duration(value)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None


def _name(words: ShapeWords) -> ShapeName:
    name = words.shape or ("trace" if words.trace is not None else "ramp")
    if name not in SHAPES:
        raise InputError(f"--shape: no shape '{name}'{did_you_mean(name, SHAPES)}")
    return SHAPES[name]


def _check(name: ShapeName, words: ShapeWords) -> None:
    """Raise InputError for an option of another shape, which would be without effect, and where one is missing."""
    own = {"--steps": (words.steps, "steps"), "--stay": (words.stay, "soak"), "--trace": (words.trace, "trace")}
    for option, (value, shape) in own.items():
        if value is not None and name != shape:
            raise InputError(f"{option} is for --shape {shape}; the shape is {name}")
    if name == "trace":
        if words.trace is None:
            raise InputError("--shape trace: give --trace FILE, a CSV of seconds,viewers")
        for option, given in (("--duration", words.duration), ("--over", words.over)):
            if given is not None:
                raise InputError(f"{option}: a trace says by itself how long it is; leave it out")


def _over(name: ShapeName, viewers: int, duration: float) -> float:
    """How long the viewers take to come, unless said otherwise; a staircase goes up as long as there is time."""
    if name == "steps":
        return duration
    return min(max(10.0, viewers / RAMP), duration / (6 if name == "spike" else 2))
