"""A crowd at the doors: viewers wait, and many of them rush what goes on sale; some who got one tell the room."""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, people, phrase, task

NEEDS = ("live", "shop", "sale.opened")

EAGER = 0.4
"""Share of the viewers who want it: they came for the doors. More than people.INTERESTED, of who just watch."""

TELLING = 0.04
"""Share of those who got one that say so. Every one of them is heard by everybody, in a room that was silent."""

RELIEF = 4.0
"""Seconds at the median from the order to the comment."""


class Viewer(CrowdUser):
    wait_time = between(20, 60)
    bots = people.BOTS

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        if self.bot or random.random() < EAGER:
            self.room.on("sale.opened", self.rush, after=self.reaction)

    @task
    def browse(self) -> None:
        self.shop.browse()

    def rush(self, sale: LiveEvent) -> None:
        if self.shop.order(sale.sku).accepted and random.random() < TELLING:
            self.react(RELIEF)
            self.room.say(phrase())
