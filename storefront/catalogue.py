"""The catalogue: a handful of ordinary goods, always on sale, and the item kept for flash sales."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

ORDINARY_STOCK = 100_000


@dataclass(frozen=True)
class Item:
    """One item; the price in cents."""

    sku: str
    name: str
    price: int
    flash: bool = False

    @property
    def sale_id(self) -> str:
        """The standing sale of an ordinary item."""
        return f"catalogue-{self.sku}"


class Catalogue:
    """The goods; prices are drawn by `seed`, so that runs can be repeated."""

    def __init__(self, seed: int) -> None:
        price = Random(seed)
        names = ("Mug", "Scarf", "Candle", "Notebook", "Tea")
        self.ordinary = [Item(f"{name.lower()}-01", name, price.randrange(500, 5000, 10)) for name in names]
        self.items = [*self.ordinary, Item("lipstick-01", "Lipstick", price.randrange(900, 2000, 10), flash=True)]

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(item) for item in self.items]
