"""Bug `limit-ignored`: a sale's limit per user is registered, shown, and not enforced."""

from storefront.allowance import Allowance
from storefront.order import Order


class Unlimited(Allowance):
    """Allows everything."""

    def allows(self, _: Order) -> bool:
        return True
