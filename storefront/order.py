"""An order: what shop and inventory tell each other, and the identity both give it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storefront.service import text, whole

NAMESPACE = uuid.UUID("b7f3c1a4-5d0e-5c86-9a52-6f0d8f1c2e77")
QUANTITY = 10  # the most units one order may ask for


@dataclass(frozen=True, slots=True)
class Order:
    """`key` is the buyer's idempotency key; `block_id` names the block its units come from, "" for the stock itself."""

    sale_id: str
    sku: str
    quantity: int
    user: str
    key: str
    block_id: str = ""

    @property
    def order_id(self) -> str:
        """The same key gives the same identity, whoever confirms the order and however often."""
        return str(uuid.uuid5(NAMESPACE, self.key))

    def as_json(self) -> dict[str, Any]:
        return {
            "sale_id": self.sale_id,
            "sku": self.sku,
            "quantity": self.quantity,
            "user": self.user,
            "key": self.key,
            "block_id": self.block_id,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Order":
        """Raises InvalidError."""
        return cls(
            text(body, "sale_id"),
            text(body, "sku"),
            whole(body, "quantity", 1, QUANTITY),
            text(body, "user"),
            text(body, "key"),
            text(body, "block_id") if body.get("block_id") else "",
        )
