"""The picture: viewers watch rooms as a player of HLS does, each for as long as people stay.

Half of them stay for less than three minutes in a room, some for an hour (dwell.py). A short run therefore sees each
viewer in one room or two. What they saw is in the report: start-up time, stalls, delay behind live, quality.
"""

from __future__ import annotations

from loadtests.users import CrowdUser, dwelling, task


class Viewer(CrowdUser):
    wait_time = dwelling()

    def on_start(self) -> None:
        self.stream.watch()
        self.look_around()

    @task
    def watch_another_room(self) -> None:
        self.stream.watch()
