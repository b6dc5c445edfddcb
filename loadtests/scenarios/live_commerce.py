"""A live sale: viewers watch, chat, browse and buy ordinary goods; at the opening many of them rush the sale.

With 2,000 viewers it makes about 10 comments, 20 ordinary orders and 20 looks at the catalogue a second: each viewer
does something every 40 s on average, and of five things one is a comment, two are orders and two are looks. Real
viewers order less; an order SLO of 99 %, judged over a minute, needs that many to be decided.
"""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, phrase, task

INTERESTED = 0.45
"""Share of the viewers who want what is on sale: enough to sell out within seconds, not everybody."""


class Viewer(CrowdUser):
    wait_time = between(20, 60)

    def on_start(self) -> None:
        self.interested = random.random() < INTERESTED
        self.room = self.live.enter(self.identity)
        self.room.on("sale.opened", self.rush)
        self.look_around()

    @task(1)
    def chat(self) -> None:
        self.room.say(phrase())

    @task(2)
    def browse(self) -> None:
        self.shop.browse()

    @task(2)
    def buy(self) -> None:
        self.shop.order(random.choice(self.shop.goods))

    def arrive(self) -> None:
        self.shop.order(random.choice(self.shop.goods))

    def rush(self, sale: LiveEvent) -> None:
        if self.interested:
            self.react()
            self.shop.order(sale.sku)
