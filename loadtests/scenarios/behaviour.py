"""Behaviour data: viewers look, like and click, and their app tells the platform in batches.

A viewer does something every 10 s on average. Most of it are likes, which come in bursts of taps that the app tells as
one event; one in ten is a click on the goods. Who has seen enough (log-normal, dwell.py) goes into another room: that
ends a stay, which is told as `dwell`, and begins the next.
"""

from __future__ import annotations

import random
import time

from loadtests.users import CrowdUser, between, dwelling, task

CLICKS = 0.1
TAPS = 8
"""Taps in a burst, on average."""

SHELF = 20


class Viewer(CrowdUser):
    wait_time = between(2, 18)
    stay = dwelling()

    def on_start(self) -> None:
        self.come()
        self.look_around()

    @task
    def act(self) -> None:
        if time.time() >= self.leaves_at:
            self.leave()
            self.come()
        elif random.random() < CLICKS:
            self.behaviour.note("click", f"goods-{random.randint(1, SHELF)}")
        else:
            self.behaviour.note("like", 1 + round(random.expovariate(1.0 / (TAPS - 1))))

    def on_stop(self) -> None:
        self.leave()

    def come(self) -> None:
        self.came_at = time.time()
        self.leaves_at = self.came_at + self.stay()
        self.behaviour.note("view")

    def leave(self) -> None:
        self.behaviour.note("dwell", round(time.time() - self.came_at, 1))
