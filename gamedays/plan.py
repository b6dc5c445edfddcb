"""Plan: a game day as it is written down (`kind: GameDay`), read and checked as a whole before the first packet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from chaos.faults import AnyFault
from flashcrowd.documents import V1, Metadata, Model
from flashcrowd.units import Duration, Rate, Ratio, about
from loadtests import people
from loadtests.rooms import room_names
from loadtests.shapes import STEPS, ShapeName
from loadtests.shapes.curves import CHURN

Control = Literal["no-fault", "no-runbook", "wrong-runbook"]
"""A repeat of the plan with one cause withheld: without it, does the effect stay away?"""

EMBEDDED = "embedded"
"""The target name that stands for the storefront which we start ourselves."""


class LoadPlan(Model):
    """The crowd: `viewers` arrive over `over` seconds and stay for `hold` seconds. arrivals: a second, on schedule.

    steps, stay: as of `Shape`. trace: the CSV file of the shape `trace`, which says by itself how long it is; once it
    has been read, that is its `hold`. rooms: how many, or their names, the most popular first.
    """

    scenario: str
    viewers: Annotated[int, Field(ge=1)]
    shape: ShapeName = "ramp"
    over: Duration = 0.0
    hold: Duration = 0.0
    steps: Annotated[int, Field(ge=1)] = STEPS
    stay: Annotated[Duration, Field(ge=CHURN)] = people.STAY
    trace: Path | None = None
    rooms: Annotated[int, Field(ge=1)] | Annotated[list[str], Field(min_length=1)] = 1
    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    arrivals: Rate | None = None

    @model_validator(mode="after")
    def _lasts(self) -> LoadPlan:
        if (self.shape == "trace") != (self.trace is not None):
            raise ValueError("shape: trace and trace: FILE go together; the file is a CSV of seconds,viewers")
        if self.shape == "trace":
            return self
        if self.duration <= 0:
            raise ValueError("over and hold are both 0s, so that nobody would come; write hold: 2m, say")
        if self.shape == "spike" and self.over > self.duration / 3:
            raise ValueError("a spike's rise may take a third of the time at most; make over shorter")
        return self

    def describe(self) -> str:
        """As `2,000 viewers in 20 s`; with more than one room, also in how many."""
        how = f"as in {self.trace.name}" if self.trace is not None else f"in {about(self.over)}"
        rooms = f", {len(self.room_names):,} rooms" if len(self.room_names) > 1 else ""
        return f"{self.viewers:,} viewers {how}{rooms}"

    @property
    def room_names(self) -> tuple[str, ...]:
        return room_names(self.rooms) if isinstance(self.rooms, int) else tuple(self.rooms)

    @property
    def duration(self) -> float:
        """Seconds from the first viewer to the last."""
        return self.over + self.hold


class SalePlan(Model):
    """The flash sale: it opens once per entry of `opens_at` (a wave), each time with `stock` units of `sku`.

    limit: units that one user may have of each wave; the target's own `shop.limit` if not given.
    """

    opens_at: Annotated[list[Duration], Field(min_length=1)]
    sku: str
    stock: Annotated[int, Field(ge=1)]
    limit: Annotated[int | None, Field(ge=1)] = None
    room: str = "main"


class DrawPlan(Model):
    """The interactive draw: it opens once per entry of `opens_at`, takes entries for `closes_after` seconds, and then
    gives each of `prizes` to somebody else. Prizes may be named, or only counted."""

    opens_at: Annotated[list[Duration], Field(min_length=1)]
    closes_after: Annotated[Duration, Field(gt=0)] = 10.0
    prizes: Annotated[list[str], Field(min_length=1)] | Annotated[int, Field(ge=1)]
    room: str = "main"

    @property
    def names(self) -> list[str]:
        """What can be won."""
        return self.prizes if isinstance(self.prizes, list) else [f"prize-{n}" for n in range(1, self.prizes + 1)]


def _word_or_names(word: str) -> BeforeValidator:
    """One message, where each part of a union would have its own."""

    def check(value: object) -> object:
        if value is None or value == word or (isinstance(value, list) and value):
            return value
        raise ValueError(f"wants {word}, or a list of names")

    return BeforeValidator(check)


class Expectation(Model):
    """What must become of a fault. Times count from the injection, in seconds.

    detected_within_production: by the rules of production, if the fault went on as bad as it was. budget_spent_at_most:
    of what `slo` may spend in 30 days, 0 to 1. others: what becomes of the plan's other SLOs meanwhile; a list names
    those that may be hit as well. invariants: those that must be decided, and hold, in this run.
    """

    slo: str
    detected_within: Duration | None = None
    detected_within_production: Duration | None = None
    runbook: str | None = None
    mitigated_within: Duration | None = None
    recovered_within: Duration | None = None
    budget_spent_at_most: Ratio | None = None
    others: Annotated[Literal["untouched"] | list[str] | None, _word_or_names("untouched")] = None
    invariants: Annotated[Literal["all"] | list[str] | None, _word_or_names("all")] = None


class DriftPlan(Model):
    """What must not grow while nothing changes. query: PromQL, of which each series is judged by itself. at_most: the
    share by which it may grow, from when all viewers are there until the end."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][-a-z0-9]*$")]
    query: str
    at_most: Ratio


class FaultStep(Model):
    """A fault at an instant, and what is expected of it."""

    at: Duration
    fault: AnyFault
    expect: Expectation | None = None


class GameDaySpec(Model):
    target: str
    slos: Annotated[list[str], Field(min_length=1)]
    load: LoadPlan
    sale: SalePlan | None = None
    draw: DrawPlan | None = None
    steps: list[FaultStep] = []
    drift: list[DriftPlan] = []
    controls: list[Control] = []
    abort: list[str] = []


class Plan(Model):
    """A whole plan."""

    api_version: Annotated[V1, Field(alias="apiVersion")]
    kind: Literal["GameDay"]
    metadata: Metadata
    spec: GameDaySpec

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def duration(self) -> float:
        """Seconds from the first viewer to the end."""
        return self.spec.load.duration


BUILTIN = Path(__file__).parent / "plans"


def builtin_names() -> list[str]:
    """The plans that come with flashcrowd."""
    return sorted(path.stem for path in BUILTIN.glob("*.yaml"))
