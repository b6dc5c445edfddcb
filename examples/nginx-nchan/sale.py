"""A small sale: viewers enter a room, chat, look around and buy; when the sale opens, all of them rush."""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, phrase, task


class Viewer(CrowdUser):
    wait_time = between(1, 3)

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        self.room.on("sale.opened", self.rush)

    @task
    def chat(self) -> None:
        self.room.say(phrase())

    @task
    def buy(self) -> None:
        self.shop.browse()
        self.shop.order(random.choice(self.shop.goods))

    def rush(self, sale: LiveEvent) -> None:
        self.react()
        self.shop.order(sale.sku)
