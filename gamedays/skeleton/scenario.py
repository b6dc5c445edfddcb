"""My viewers: they watch, chat, look around and buy; some of them rush the sale.

It reads as ordinary blocking Locust code, and each viewer costs some kilobytes only: between tasks it has no greenlet.
"""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, phrase, task

INTERESTED = 0.3
"""Share of the viewers who want what is on sale."""


class Viewer(CrowdUser):
    wait_time = between(5, 15)  # seconds between two tasks

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        self.room.on("sale.opened", self.rush)  # an event of spec.live.events
        self.look_around()  # so that those who came together don't act together

    @task(3)
    def chat(self) -> None:
        self.room.say(phrase())

    @task(2)
    def browse(self) -> None:
        self.shop.browse()

    @task(1)
    def buy(self) -> None:
        self.shop.order(random.choice(self.shop.goods))

    def rush(self, sale: LiveEvent) -> None:
        if random.random() < INTERESTED:
            self.react()  # as long as a person takes
            self.shop.order(sale.sku)
