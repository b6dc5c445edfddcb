"""Passage: the way of one request, from its first byte to its last.

    BEGUN ── its head is there ──► HELD ── its time is over ──► JUDGED ──┬── no error, or its toxic goes ──► PASSED
      │                                                                  └── error, and room for it ──► SWALLOWED
      └── no toxic when it begins, or none any more ──► PASSED

Its bytes are kept until it is PASSED, where they go on, or SWALLOWED, where they don't and we answer in the end.
"""

from __future__ import annotations

import asyncio
import enum
import math
import time
from typing import TYPE_CHECKING

from chaos.proxy.http.messages import Message
from chaos.proxy.http.rules import Answers, Holds
from chaos.proxy.toxic import CHUNK_COST

if TYPE_CHECKING:
    from chaos.proxy.http.dialogue import Dialogue, Exchange
    from chaos.proxy.http.requests import Requests


class Course(enum.Enum):
    """How far a request has come; the table above."""

    BEGUN = enum.auto()
    HELD = enum.auto()
    JUDGED = enum.auto()
    PASSED = enum.auto()
    SWALLOWED = enum.auto()


class Passage:
    """One request. exchange: its place among those that aren't answered, once it is PASSED or SWALLOWED."""

    __slots__ = ("_came", "_dialogue", "_error", "_holds", "_kept", "_stage", "_timer", "course", "exchange", "message")

    def __init__(self, stage: Requests, dialogue: Dialogue, message: Message) -> None:
        self._stage, self._dialogue, self.message = stage, dialogue, message
        self.course = Course.BEGUN if dialogue.toxics else Course.PASSED
        self.exchange: Exchange | None = None
        self._came = 0.0
        self._kept: list[bytes] = []
        self._holds: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._error: tuple[str, Answers] | None = None

    @property
    def waits(self) -> bool:
        """Whether it doesn't move, and nothing may come behind it."""
        return self.course in (Course.HELD, Course.JUDGED)

    @property
    def is_over(self) -> bool:
        """Whether all of it is passed or swallowed."""
        return self.message.done and not self.waits

    def take(self, piece: bytes, came: float) -> None:
        """Its next bytes. came: when they did, on the monotonic clock."""
        if self.course is Course.PASSED:
            self._pass_on(piece)
        elif self.course is Course.BEGUN:
            self._kept.append(piece)
            self._stage.held += len(piece) + CHUNK_COST
            if self.message.head:
                self._hold(came)

    def settle(self) -> None:
        """Take its course, if it is JUDGED and that can be."""
        if self.course is not Course.JUDGED:
            return
        if self._error is None:
            self.pass_kept()
        elif self._dialogue.has_room():
            self.course = Course.SWALLOWED
            self.take_kept()
            self.exchange = self._dialogue.enter(self.message, own=True)
            self._dialogue.speak()

    def let_go(self, name: str) -> None:
        """A toxic is gone; go on if it was this one that held us."""
        if self.course is Course.HELD and self._holds.pop(name, None) is not None:
            self._arm()
        elif self.course is Course.JUDGED and self._error is not None and self._error[0] == name:
            self._error = None
            self.settle()
        elif self.course is Course.BEGUN and not self._dialogue.toxics:
            self.pass_kept()

    def answer(self, last: bool = False) -> None:
        """It is swallowed: answer it. last: in any case as the last one of its connection."""
        assert self.exchange is not None
        assert self._error is not None
        if not self.exchange.closed:
            self.message.keep_alive &= not last
            self.exchange.last = not self.message.keep_alive
            self.exchange.answer = self._error[1].answer(self.message)
            self._error[1].count(self._error[1].did)
            self._dialogue.speak()

    def pass_kept(self) -> None:
        """Pass on what was kept, and all that is to come."""
        self.course = Course.PASSED
        for piece in self.take_kept():
            self._pass_on(piece)

    def take_kept(self) -> list[bytes]:
        """What was kept, and is not any more; nothing is waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        kept, self._kept = self._kept, []
        self._stage.held -= sum(len(piece) + CHUNK_COST for piece in kept)
        return kept

    def _pass_on(self, piece: bytes) -> None:
        if self.exchange is None and self.message.head:
            self.exchange = self._dialogue.enter(self.message, own=False)
        self._stage.following.feed(piece)

    def _hold(self, came: float) -> None:
        self.course, self._came = Course.HELD, came
        for name, attributes in self._dialogue.toxics.items():
            if isinstance(attributes, Holds) and attributes.strikes(self.message):
                attributes.count(attributes.did)
                self._holds[name] = attributes.seconds()
        self._arm()

    def _arm(self) -> None:
        """Wait for as long as all the toxics that hold it want together."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # The loop's clock has whole milliseconds: round up, so that a request is never early.
        left = math.ceil((self._came + sum(self._holds.values()) - time.monotonic()) * 1000) / 1000
        if self._holds and left > 0:
            self._timer = asyncio.get_running_loop().call_later(left, self._due)
        else:
            self._judge()

    def _due(self) -> None:
        self._timer = None
        self._judge()
        self._stage.go_on()

    def _judge(self) -> None:
        self.course = Course.JUDGED
        for name, attributes in self._dialogue.toxics.items():
            if isinstance(attributes, Answers) and attributes.strikes(self.message):
                self._error = name, attributes
                break
        self.settle()
