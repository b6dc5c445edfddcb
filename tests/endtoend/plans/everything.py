"""Few viewers who try all that an invariant watches, often enough for a run of seconds to decide each of them."""

from __future__ import annotations

import os
import random

from loadtests.users import CrowdUser, LiveEvent, between, forbidden_comment, phrase, task

NEEDS = ("live", "shop", "draw", "sale.opened", "draw.opened", "draw.drawn")


class Viewer(CrowdUser):
    wait_time = between(1, 3)
    bots = float(os.environ.get("BOTS", "0"))

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        self.room.on("sale.opened", self.rush)
        self.room.on("draw.opened", self.enter)
        self.room.on("draw.drawn", self.look)

    @task(1)
    def chat(self) -> None:
        if random.random() < 0.5:
            self.room.say(forbidden_comment(), forbidden=True)
        else:
            self.room.say(phrase())

    @task(1)
    def buy(self) -> None:
        self.shop.order(random.choice(self.shop.goods))

    def rush(self, sale: LiveEvent) -> None:
        self.react()
        order = self.shop.order(sale.sku)
        if order.accepted:
            self.shop.repeat(order)
            self.shop.pay(order)
            for _ in range(self.shop.limit or 0):
                self.shop.order(sale.sku)

    def enter(self, opened: LiveEvent) -> None:
        self.react()
        self.draw.enter(opened.draw)

    def look(self, drawn: LiveEvent) -> None:
        self.react()
        self.draw.result(drawn.draw)
