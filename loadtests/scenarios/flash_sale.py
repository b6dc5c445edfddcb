"""A flash sale: viewers wait, rush it when it opens, pay, and some of them try what they shouldn't get.

Three in ten viewers want it. They press the button a reaction time after it lit up, bots at once. An attempt
without an answer is repeated with the same key. Of those who got one, some send the same order again, as an app does
that missed the answer (it must not sell twice), and some try to get more than one user may have (`limited`).

Judged: orders' availability and latency; nothing sold beyond the stock, twice, or beyond the limit, and no order lost.
"""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, OrderResult, between, people, task

NEEDS = ("live", "shop", "sale.opened")


class Viewer(CrowdUser):
    wait_time = between(20, 60)
    bots = people.BOTS

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        if self.bot or self.fate("interested") < people.INTERESTED:
            self.room.on("sale.opened", self.rush, after=self.reaction)
        self.look_around()

    @task
    def browse(self) -> None:
        self.shop.browse()

    def rush(self, sale: LiveEvent) -> None:
        order = self.shop.order(sale.sku)
        if order.accepted:
            self.bought(order)

    def bought(self, order: OrderResult) -> None:
        if random.random() < people.IMPATIENT:
            self.shop.repeat(order)
        if self.shop.limit is not None and random.random() < people.GREEDY:
            for _ in range(self.shop.limit):
                self.react()
                self.shop.order(order.sku)
        self.react(people.PAYING)
        self.shop.pay(order)
