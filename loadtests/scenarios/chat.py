"""A busy chat: bullet comments in bursts, and now and then one that the platform must filter out.

Each viewer says something every two minutes on average, one comment of fifty with a forbidden phrase, in one of the
usual evasions. When a sale opens, some of them all comment at once. With 2,000 viewers that is about 17 comments a
second, each of which 2,000 people want to see.

Judged: how many comments arrive, and how soon; whether those of one sender keep their order; whether a forbidden
phrase comes through.
"""

from __future__ import annotations

import random

from loadtests.users import CrowdUser, LiveEvent, between, forbidden_comment, people, phrase, task

NEEDS = ("live",)


class Viewer(CrowdUser):
    wait_time = between(people.COMMENT_EVERY * 0.5, people.COMMENT_EVERY * 1.5)

    def on_start(self) -> None:
        self.room = self.live.enter(self.identity)
        if self.live.tells("sale.opened"):
            self.room.on("sale.opened", self.cheer)
        self.look_around()

    @task
    def comment(self) -> None:
        if random.random() < people.FORBIDDEN:
            self.room.say(forbidden_comment(), forbidden=True)
        else:
            self.room.say(phrase())

    def cheer(self, _: LiveEvent) -> None:
        if random.random() < people.CHEERING:
            self.react()
            self.room.say(phrase())
