"""Decidable: whether the planned number of events can decide an objective at all, reckoned before the first packet.

    needed      good events without a single bad one that make the judge say pass
    at most     every viewer acting as often as the scenario lets them, and each time in the way that counts
    expected    as often as they do on average

Where even the most is fewer than needed, the verdict is known beforehand, and it is `inconclusive`. Only what the load
itself makes is reckoned with: on a platform that others use, too, the platform's own metrics may count more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import monitors.judge
from flashcrowd.units import format_duration
from flashcrowd.verdict import Outcome
from gamedays.judging.sli import Window, outside
from gamedays.plan import EMBEDDED, LoadPlan, Plan
from loadtests.pace import Pace, pace
from loadtests.shapes import Point, Shape
from monitors.slo import Slo

OURS = {
    "flashcrowd_chat_deliveries_total": "delivery",
    "flashcrowd_event_probes_total": "note",
    "flashcrowd_orders_total": "order",
    "flashcrowd_playback_watch_seconds_total": "viewer-second",
    "flashcrowd_viewer_seconds_total": "viewer-second",
}
"""What a metric of the load counts."""

STOREFRONT = {"shop_orders_total": "order", "shop_order_seconds_count": "order"}
"""And one of the embedded storefront, where nobody but the crowd orders."""

TRIES = 4
"""Orders of one viewer in one wave, at most: the rush, its repeats, and what goes beyond a limit."""

MOST = 10**9


@dataclass(frozen=True)
class Reckoned:
    """Events of one SLO outside of faults. most, expected: None where the scenario's file doesn't tell."""

    slo: Slo
    needed: int
    most: float | None
    expected: float | None

    @property
    def hopeless(self) -> bool:
        return self.most is not None and self.most < self.needed


@dataclass(frozen=True)
class Audience:
    """A load as far as it makes events. Seconds since the start: opens_at of sales and draws; free of any fault. stock:
    of a wave, which somebody orders.
    """

    load: LoadPlan
    opens_at: Sequence[float]
    stock: int
    points: tuple[Point, ...]
    free: Sequence[Window]

    @property
    def seconds(self) -> float:
        """How long no fault is in place."""
        return sum(end - start for start, end in self.free)

    def viewer_seconds(self) -> float:
        """Those that viewers spend there outside of faults."""
        shape = shape_of(self.load, self.points)
        inside = (second for start, end in self.free for second in range(int(start), int(end)))
        return float(sum(shape.at(second, self.load.viewers) or 0 for second in inside))

    @property
    def idle(self) -> bool:
        """Whether they only wait, until a sale opens."""
        return self.load.shape == "doorbuster"

    def rushes(self) -> float:
        """Orders at the openings outside of faults, at most."""
        return self.waves() * self.load.viewers * TRIES

    def waves(self) -> int:
        """Openings outside of faults."""
        return sum(1 for at in self.opens_at if any(start <= at < end for start, end in self.free))


def shape_of(load: LoadPlan, points: tuple[Point, ...]) -> Shape:
    """The viewers of a load over time. points: of its trace, none for another shape."""
    over, duration, stay = (format_duration(value) for value in (load.over, load.duration, load.stay))
    return Shape.model_validate(
        {"name": load.shape, "over": over, "duration": duration, "steps": load.steps, "stay": stay, "points": points}
    )


def reckon(slo: Slo, audience: Audience, at: Pace | None, embedded: bool) -> Reckoned:
    """How many events an SLO will have, beside those that it needs."""
    kind = _counted(slo, embedded)
    if kind is None:
        return Reckoned(slo, needed(slo), None, None)
    present = audience.viewer_seconds()
    if kind == "viewer-second":
        return Reckoned(slo, needed(slo), present, None)
    act = "comment" if kind == "delivery" else kind
    if at is None or act not in at.most or audience.load.arrivals is not None:
        return Reckoned(slo, needed(slo), None, None)
    tasks = 0.0 if audience.idle else present
    each = audience.load.viewers if kind == "delivery" else 1
    most = (tasks / at.least * at.most[act] + audience.rushes() + audience.load.viewers) * each
    usual = tasks / at.mean * at.usual[act] + audience.waves() * audience.stock
    return Reckoned(slo, needed(slo), most, usual if kind == "order" else None)


def needed(slo: Slo) -> int:
    """The fewest events, none of them bad, that the judge lets pass."""
    low, high = 0, 1
    while high < MOST and monitors.judge.judge(slo, 0.0, high).outcome is not Outcome.PASS:
        low, high = high, high * 2
    while low + 1 < high:
        middle = (low + high) // 2
        passes = monitors.judge.judge(slo, 0.0, middle).outcome is Outcome.PASS
        low, high = (low, middle) if passes else (middle, high)
    return high


def _counted(slo: Slo, embedded: bool) -> str | None:
    """What one event of the SLO is; None where nothing can be said of it."""
    query = slo.sli.events.total_query if slo.sli.events is not None else ""
    known = OURS | STOREFRONT if embedded else OURS
    found = {kind for metric, kind in known.items() if metric in query}
    return found.pop() if len(found) == 1 else None


def reckon_all(plan: Plan, points: tuple[Point, ...], slos: Sequence[Slo], scenario: Path) -> list[Reckoned]:
    """All objectives of a plan that is known to be right. points: of its trace. scenario: its file."""
    spec = plan.spec
    opens = [at for part in (spec.sale, spec.draw) if part is not None for at in part.opens_at]
    faults = [(step.at, step.at + step.fault.duration) for step in spec.steps]
    audience = Audience(
        spec.load, opens, spec.sale.stock if spec.sale else 0, points, outside(faults, 0.0, plan.duration)
    )
    return [reckon(slo, audience, pace(scenario), spec.target == EMBEDDED) for slo in slos]
