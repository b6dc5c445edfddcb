"""A live sale: viewers watch, chat, browse and buy ordinary goods; at the opening many of them rush the sale.

With 2,000 viewers it makes about 10 comments, 20 ordinary orders and 20 looks at the catalogue a second: each viewer
does something every 40 s on average, and of five things one is a comment, two are orders and two are looks. Real
viewers order less; an order SLO of 99 %, judged over a minute, needs that many to be decided.

It is the mix of all scenarios, as far as the target has the blocks for them: comments as in `chat`, the rush as in
`flash-sale`, draws as in `draw`; a sample of the viewers plays the picture as in `watch`, and of one viewer in ten the
app tells what they do, as in `behaviour`.
"""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, OrderResult, between, forbidden_comment, people, phrase, task

NEEDS = ("live", "shop", "sale.opened")


class Viewer(CrowdUser):
    wait_time = between(20, 60)
    bots = people.BOTS

    def on_start(self) -> None:
        self.told = self.has("events") and self.fate("told") < people.TOLD
        self.room = self.live.enter(self.identity)
        if self.bot or self.fate("interested") < people.INTERESTED:
            self.room.on("sale.opened", self.rush, after=self.reaction)
        if self.has("draw") and self.live.tells("draw.opened", "draw.drawn"):
            self.room.on("draw.opened", self.enter, after=self.reaction)
            self.room.on("draw.drawn", self.look, after=self.reaction)
        if self.has("stream") and self.fate("sampled") < people.SAMPLED:
            self.stream.watch(self.room.name)
        self.note("view")
        self.look_around()

    @task(1)
    def chat(self) -> None:
        if random.random() < people.FORBIDDEN:
            self.room.say(forbidden_comment(), forbidden=True)
        else:
            self.room.say(phrase())

    @task(2)
    def browse(self) -> None:
        self.shop.browse()
        self.note("click")
        if self.has("draw"):
            self.draw.results()

    @task(2)
    def buy(self) -> None:
        self.shop.order(random.choice(self.shop.goods))

    def note(self, kind: str) -> None:
        if self.told:
            self.behaviour.note(kind)

    def arrive(self) -> None:
        self.buy()

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

    def enter(self, opened: LiveEvent) -> None:
        if random.random() < people.PLAYING:
            self.draw.enter(opened.draw)

    def look(self, drawn: LiveEvent) -> None:
        self.draw.result(drawn.draw)
