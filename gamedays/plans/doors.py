"""A crowd at the doors: viewers wait, and rush what goes on sale; some cheer in the chat when the doors open."""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, people, phrase, task

NEEDS = ("live", "shop", "sale.opened")

EAGER = 0.4
"""Share of the viewers who want it: they came for the doors. More than people.INTERESTED, of who just watch."""

CHEERING = 0.02
"""Fewer than people.CHEERING: thousands hear each of them, in the seconds in which everybody orders."""


class Viewer(CrowdUser):
    wait_time = between(20, 60)
    bots = people.BOTS

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        if self.bot or random.random() < EAGER:
            self.room.on("sale.opened", self.rush, after=self.reaction)
        elif random.random() < CHEERING:
            self.room.on("sale.opened", self.cheer, after=self.reaction)

    @task
    def browse(self) -> None:
        self.shop.browse()

    def rush(self, sale: LiveEvent) -> None:
        self.shop.order(sale.sku)

    def cheer(self, _: LiveEvent) -> None:
        self.room.say(phrase())
