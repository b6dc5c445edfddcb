"""An interactive draw: viewers enter while it is open, and want to know what they have won once it is drawn.

Most of them enter, a reaction time after it opened. They ask for the result when the room is told that it was drawn;
where the target tells nothing of that, they go on asking. Who was away just then asks later.

Judged: as many winners as there are prizes, each of them once and among the entrants; everybody is told a result, the
one that the target has on record.
"""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, people, task

NEEDS = ("live", "draw", "draw.opened")


class Viewer(CrowdUser):
    wait_time = between(10, 30)

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        self.room.on("draw.opened", self.enter, after=self.reaction)
        if self.live.tells("draw.drawn"):
            self.room.on("draw.drawn", self.look, after=self.reaction)
        self.look_around()

    @task
    def look_again(self) -> None:
        self.draw.results()

    def enter(self, opened: LiveEvent) -> None:
        plays = random.random() < people.PLAYING
        if plays and self.draw.enter(opened.draw) and not self.live.tells("draw.drawn"):
            self.draw.result(opened.draw, wait=60.0)

    def look(self, drawn: LiveEvent) -> None:
        self.draw.result(drawn.draw)
