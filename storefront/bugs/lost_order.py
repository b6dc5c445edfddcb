"""Bug `lost-order`: now and then an order is acknowledged and stored nowhere. It takes no units from the stock."""

from storefront.desk import Answer, Desk, accepted
from storefront.order import Order
from storefront.sales import Sale

LOST = 50  # every so many-th order


class Losing(Desk):
    """Says yes, and forgets."""

    _orders = 0

    async def _sell(self, order: Order, sale: Sale) -> Answer:
        self._orders += 1
        if self._orders % LOST:
            return await super()._sell(order, sale)
        if sale.allowance:
            sale.allowance.settle(order, sold=True)
        return accepted(order, 201)
