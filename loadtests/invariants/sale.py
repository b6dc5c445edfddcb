"""Sale: what was put on sale in the run, and the count of what became of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from loadtests.history import OrderRecord
from loadtests.invariants.violation import Violation
from loadtests.ledger import LedgerEntry


@dataclass(frozen=True)
class Sale:
    """One opening. opened_at: unix seconds. limit: units that one user may have of it; None is any number."""

    sku: str
    stock: int
    opened_at: float = 0.0
    sale_id: str = ""
    limit: int | None = None


@dataclass(slots=True)
class Lot:
    """Units that are counted together: one sale, or all of a sku where the target's ledger doesn't tell them apart.

    opened, closed: unix seconds between which it is wanted. last: its last opening, since when whoever is turned away
    is turned away for good. In units: `sold` by orders with a key of their own, `again` by orders stored once more,
    `wanted` by viewers, `lost` after they were acknowledged, `unclear` to the viewers and not in the ledger.
    """

    name: str
    stock: int
    opened: float
    last: float
    closed: float = float("inf")
    sold: int = 0
    again: int = 0
    wanted: int = 0
    lost: int = 0
    unclear: int = 0
    beyond: Violation = field(default_factory=Violation)
    turned_away: Violation = field(default_factory=Violation)

    @property
    def left(self) -> int:
        """Units that nobody has, however they went."""
        return max(0, self.stock - self.sold - self.again - self.lost)

    @property
    def contested(self) -> bool:
        """Whether somebody came away without."""
        return self.wanted > self.stock or self.turned_away.count > 0

    def first(self, entry: LedgerEntry) -> None:
        """An order with a new key was stored."""
        self.sold += entry.quantity
        if self.sold > self.stock:
            self.beyond.stored(entry, min(entry.quantity, self.sold - self.stock))

    def __str__(self) -> str:
        return f"{self.sold} of {self.stock} {self.name}"


class Lots:
    """The lots of a run. The ledger decides how they are told apart: by sale, if it names even one of ours."""

    def __init__(self, sales: Iterable[Sale]) -> None:
        self.sales = sorted(sales, key=lambda sale: sale.opened_at)
        self._by_sale = {sale.sale_id: lot for sale, lot in _by_sale(self.sales)}
        self.by_sku = dict(_by_sku(self.sales))
        self.told_apart = False

    def __bool__(self) -> bool:
        return bool(self.sales)

    def __iter__(self) -> Iterator[Lot]:
        return iter((self._by_sale if self.told_apart else self.by_sku).values())

    def first(self, entry: LedgerEntry) -> None:
        """An order with a new key was stored."""
        if (lot := self.by_sku.get(entry.sku)) is not None:
            lot.first(entry)
            if (lot := self._by_sale.get(entry.sale_id)) is not None:
                self.told_apart = True
                lot.first(entry)

    def again(self, entry: LedgerEntry) -> None:
        """An order with a known key was stored."""
        for lot in (self.by_sku.get(entry.sku), self._by_sale.get(entry.sale_id)):
            if lot is not None:
                lot.again += entry.quantity

    def within(self) -> Within:
        """Which lot an order of the history belongs to; asked once the ledger is known."""
        return Within({sku: [lot] for sku, lot in self.by_sku.items()} if not self.told_apart else self._waves())

    def _waves(self) -> dict[str, list[Lot]]:
        waves = defaultdict[str, list[Lot]](list)
        for sale in self.sales:
            waves[sale.sku].append(self._by_sale[sale.sale_id])
        return waves

    def __str__(self) -> str:
        return ", ".join(str(lot) for lot in self) or "no sale was held"


class Within:
    """Finds the lot that was on sale during the whole of an order."""

    def __init__(self, waves: dict[str, list[Lot]]) -> None:
        self._waves = {sku: (lots, [lot.opened for lot in lots]) for sku, lots in waves.items()}

    def of(self, record: OrderRecord) -> Lot | None:
        """None when it wanted something else, came before the opening, or saw one wave end and the next begin."""
        found = self._waves.get(record.sku)
        if found is None or not (number := bisect_right(found[1], record.start)):
            return None
        lot = found[0][number - 1]
        return lot if record.end < lot.closed else None


def _by_sale(sales: list[Sale]) -> Iterator[tuple[Sale, Lot]]:
    """A lot a wave, each closed by the next of its sku."""
    latest = dict[str, Lot]()
    count = {sku: sum(1 for sale in sales if sale.sku == sku) for sku in {sale.sku for sale in sales}}
    numbers = defaultdict[str, int](int)
    for sale in sales:
        numbers[sale.sku] += 1
        name = sale.sku if count[sale.sku] == 1 else f"{sale.sku} in wave {numbers[sale.sku]}"
        lot = Lot(name, sale.stock, sale.opened_at, sale.opened_at)
        if sale.sku in latest:
            latest[sale.sku].closed = sale.opened_at
        latest[sale.sku] = lot
        if sale.sale_id:
            yield sale, lot


def _by_sku(sales: list[Sale]) -> Iterator[tuple[str, Lot]]:
    """All waves of a sku together, of which only the last can still be sold out in the end."""
    for sku in dict.fromkeys(sale.sku for sale in sales):
        mine = [sale for sale in sales if sale.sku == sku]
        yield sku, Lot(sku, sum(sale.stock for sale in mine), mine[0].opened_at, mine[-1].opened_at)
