"""Few viewers who do a lot: a few hundred make as many orders, comments and clicks as a rehearsal's thousands.

One of eight watches, and zaps: the picture is asked for anew every now and then, so that there are starts to judge.
Of what they do the app tells a lot that may be shed (views, dwell, likes), and clicks, which may not.
"""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, phrase, task

WATCHING = 0.12
"""Share of the viewers who watch: segments come from a CDN, and a sample of players tells its stalls."""

ZAPPING = 0.8
"""Share of what a watching viewer does after which the picture is asked for anew: starts have an objective, too."""

ASKED = 6.0
"""By how much likelier a click is asked for than anything else: while the rest is shed, clicks alone tell."""


class Viewer(CrowdUser):
    wait_time = between(4, 8)

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        self.room.on("sale.opened", self.rush)
        if watching := self.fate("watching") < WATCHING:
            self.stream.watch(self.room.name)
        self.watching = watching
        self.look_around()

    @task(1)
    def chat(self) -> None:
        self.room.say(phrase())
        self.tell()

    @task(4)
    def buy(self) -> None:
        self.shop.order(random.choice(self.shop.goods))
        self.tell()

    @task(1)
    def browse(self) -> None:
        self.shop.browse()
        self.tell()

    def rush(self, sale: LiveEvent) -> None:
        self.react()
        self.shop.order(sale.sku)

    def tell(self) -> None:
        self.behaviour.note("click", sampled=ASKED)
        for kind in ("view", "dwell", "like") * 2:
            self.behaviour.note(kind)
        if self.watching and random.random() < ZAPPING:
            self.stream.watch(self.room.name)
