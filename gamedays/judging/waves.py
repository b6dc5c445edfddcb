"""Waves: how each opening of the flash sale went, from the viewers' own history."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

from flashcrowd.errors import InputError
from flashcrowd.rundir import Event, RunDirectory
from loadtests.history import OrderOutcome, OrderRecord, read_history


@dataclass(frozen=True)
class Wave:
    """One opening. opened: unix seconds. sold: orders that viewers know to be accepted, each once however often it was
    repeated. took: seconds from the opening to the last of them. p99: of the response times of all orders of the wave,
    seconds. None without orders."""

    number: int
    opened: float
    stock: int
    sold: int
    took: float | None
    p99: float | None


def waves(run: RunDirectory) -> list[Wave]:
    """The waves that opened; an order belongs to the wave that was open when the viewer wanted it. None of them can be
    told when the history can't be read, which is a finding of its own."""
    opened = run.events("sale", "opened")
    if not opened:
        return []
    try:
        return _waves(opened, read_history(run.path / "load"))
    except InputError:
        return []


@dataclass
class _Rush:
    """The orders of one wave: eight bytes an order, and a hash for each that was accepted."""

    times: array[float] = field(default_factory=lambda: array("d"))
    sold: set[int] = field(default_factory=set)
    last: float = 0.0

    def add(self, order: OrderRecord) -> None:
        self.times.append(order.end - order.start)
        if order.outcome is OrderOutcome.ACCEPTED and (key := hash(order.key)) not in self.sold:
            self.sold.add(key)
            self.last = max(self.last, order.end)


def _waves(opened: Sequence[Event], history: Iterable[OrderRecord]) -> list[Wave]:
    sku, starts = opened[0].data["sku"], [event.time for event in opened]
    rushes = [_Rush() for _ in opened]
    for order in history:
        if order.sku == sku and (number := bisect_right(starts, order.start)):
            rushes[number - 1].add(order)
    return [_wave(number, event, rush) for number, (event, rush) in enumerate(zip(opened, rushes, strict=True), 1)]


def _wave(number: int, event: Event, rush: _Rush) -> Wave:
    return Wave(
        number=number,
        opened=event.time,
        stock=event.data["stock"],
        sold=len(rush.sold),
        took=rush.last - event.time if rush.sold else None,
        p99=quantiles(rush.times, n=100, method="inclusive")[98] if len(rush.times) > 1 else None,
    )
