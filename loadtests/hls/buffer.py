"""Buffer: how much of the picture a player has ahead of the screen, and so whether it plays.

    joining ─► playing ⇄ stalled       playing: at least one whole segment was there when it (re)began
                  └────────┴──► ended  stalled: nothing is left, and more should come; ended: nothing more will come

Sans-I/O; it is told the time. When the buffer ran dry is computed, not observed, so that a stall is as long as it was,
however late somebody looks.
"""

from __future__ import annotations

from typing import Literal

from loadtests.playback import STARTED_IN_TIME, Playback

State = Literal["joining", "playing", "stalled", "ended"]

NOTICED = 0.1
"""Seconds from which on a stall is counted as one: what is shorter is seen as no interruption (Miller, Response time in
man-computer conversational transactions, 1968). Its time counts in any case."""


class Buffer:
    """The buffer of one player, who wished for the picture `now` (unix seconds). ahead: seconds of it."""

    __slots__ = ("_asked", "_gap", "_late", "_seen", "_tally", "ahead", "last", "state")

    def __init__(self, tally: Playback, now: float) -> None:
        self._tally, self._asked, self._seen, self._late = tally, now, now, False
        self.state: State = "joining"
        self.ahead = self._gap = 0.0
        self.last = False
        tally.players += 1

    def advance(self, now: float) -> None:
        """Account for the time up to now. A time before the last one changes nothing."""
        elapsed = now - self._seen
        if elapsed <= 0.0:
            return
        self._seen = now
        if self.state == "joining":
            self._wait(now)
        elif self.state == "playing":
            self._play(elapsed)
        elif self.state == "stalled":
            self._stall(elapsed)

    def add(self, seconds: float, now: float) -> None:
        """A segment has come."""
        self.advance(now)
        self.ahead += seconds
        if not self.ahead:
            return
        if self.state == "joining":
            self._wait(now)
            self._tally.starts_on_time += not self._late
            self._tally.started(max(0.0, now - self._asked))
        self.state = "playing"

    def finish(self) -> None:
        """The last segment has come: when the buffer is empty, it's the end and no stall."""
        self.last = True
        if self.state == "stalled" or (self.state == "playing" and not self.ahead):
            self.state = "ended"

    def _wait(self, now: float) -> None:
        if not self._late and now - self._asked > STARTED_IN_TIME:
            self._late = True
            self._tally.starts_late += 1

    def _play(self, elapsed: float) -> None:
        played = min(elapsed, self.ahead)
        self.ahead -= played
        self._tally.watched += played
        if played == elapsed:
            return
        if self.last:
            self.state = "ended"
            return
        self.state, self._gap = "stalled", 0.0
        self._stall(elapsed - played)

    def _stall(self, seconds: float) -> None:
        self._tally.watched += seconds
        self._tally.stalled += seconds
        self._tally.stalls += self._gap < NOTICED <= self._gap + seconds
        self._gap += seconds
