"""Customer: the shop as one viewer has it before them."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.identities import Identity
from loadtests.shop import OrderResult, Shop


class Customer:
    """The shop as one viewer has it before them."""

    __slots__ = ("_identity", "_kept", "_shop")

    def __init__(self, shop: Shop, identity: Identity) -> None:
        self._shop, self._identity, self._kept = shop, identity, shop.connections()

    @property
    def goods(self) -> Sequence[str]:
        """What can be bought at any time."""
        return self._shop.goods

    def order(self, sku: str, quantity: int = 1) -> OrderResult:
        """As `Shop.order`."""
        return self._shop.order(self._identity, sku, quantity, self._kept)

    @property
    def limit(self) -> int | None:
        """Units of one sku in one sale that one user may have, where there is a limit."""
        return self._shop.limit

    def repeat(self, done: OrderResult) -> OrderResult:
        """As `Shop.repeat`."""
        return self._shop.repeat(self._identity, done, self._kept)

    def pay(self, done: OrderResult) -> bool:
        """As `Shop.pay`."""
        return self._shop.pay(self._identity, done.order_id, self._kept)

    def browse(self) -> bool:
        """As `Shop.browse`."""
        return self._shop.browse(self._identity, self._kept)

    def leave(self) -> None:
        """Close the connections of this viewer alone."""
        self._shop.drop(self._kept)
