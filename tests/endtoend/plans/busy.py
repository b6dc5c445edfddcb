"""Few viewers who do a lot: as many orders as a rehearsal's thousands make, in a fraction of its time."""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, phrase, task


class Viewer(CrowdUser):
    wait_time = between(1, 3)

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        self.room.on("sale.opened", self.rush)
        if random.random() < 0.3:
            self.stream.watch(self.room.name)

    @task(1)
    def chat(self) -> None:
        self.room.say(phrase())

    @task(2)
    def buy(self) -> None:
        self.shop.order(random.choice(self.shop.goods))

    def rush(self, sale: LiveEvent) -> None:
        self.react()
        self.shop.order(sale.sku)
