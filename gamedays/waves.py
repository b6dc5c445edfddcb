"""Waves: how each opening of the flash sale went, from the viewers' own history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from flashcrowd.errors import InputError
from flashcrowd.rundir import Event, RunDirectory
from loadtests.history import OrderOutcome, OrderRecord, read_history


@dataclass(frozen=True)
class Wave:
    """One opening. opened: unix seconds. sold: orders that viewers know to be accepted. took: seconds from the opening
    to the last of them. p99: of the response times of all orders of the wave, seconds. None without orders."""

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


def _waves(opened: Sequence[Event], history: Iterable[OrderRecord]) -> list[Wave]:
    sku = opened[0].data["sku"]
    starts = [event.time for event in opened]
    orders: list[list[OrderRecord]] = [[] for _ in opened]
    for order in history:
        number = sum(1 for start in starts if start <= order.start)
        if order.sku == sku and number:
            orders[number - 1].append(order)
    return [
        _wave(number, event.time, event.data["stock"], mine)
        for number, (event, mine) in enumerate(zip(opened, orders, strict=True), 1)
    ]


def _wave(number: int, opened: float, stock: int, orders: list[OrderRecord]) -> Wave:
    accepted = [order for order in orders if order.outcome is OrderOutcome.ACCEPTED]
    # Of an order that was repeated, the first answer.
    sold = {order.key: order for order in reversed(accepted)}.values()
    times = [order.end - order.start for order in orders]
    return Wave(
        number=number,
        opened=opened,
        stock=stock,
        sold=len(sold),
        took=max(order.end for order in sold) - opened if sold else None,
        p99=quantiles(times, n=100, method="inclusive")[98] if len(times) > 1 else None,
    )
