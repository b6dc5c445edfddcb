"""Users: what a scenario is written with. `CrowdUser` is a Locust user with an identity, a chat and a shop.

A scenario imports from here alone. It reads as ordinary blocking Locust code: see `scenarios/live_commerce.py`.
"""

from __future__ import annotations

import logging
import random
from typing import Any

import gevent  # type: ignore[import-untyped]
import locust
from locust import between, constant, events, task
from locust.env import Environment
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser

from flashcrowd.errors import InputError
from loadtests.frames import LiveEvent
from loadtests.identities import Identity
from loadtests.live import Room
from loadtests.phrases import phrase
from loadtests.session import Session
from loadtests.shop import Customer, OrderResult

_LOGGER = logging.getLogger(__name__)
_session: Session | None = None


def use(session: Session) -> None:
    """Give this process's session to the viewers that are made from now on."""
    global _session  # noqa: PLW0603 (a Locust process holds one session, and Locust makes the users)
    _session = session


class CrowdUser(locust.User):
    """A viewer.

    identity: who it is. live: `enter(identity)` gives a room, which stays connected until the viewer stops.
    shop: `order`, `browse` and `goods`. Exceptions of tasks and of event handlers are logged and counted by Locust
    (`user_error`); they end neither the viewer nor anything of another one.
    """

    abstract = True
    wait_time = between(15, 45)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if _session is None:
            raise InputError("a CrowdUser needs a target; start it with: flashcrowd load run FILE --target TARGET")
        self._session = _session
        self.identity: Identity = _session.identities.take()
        self.live = Door(self)
        self.rooms = list[Room]()

    @property
    def shop(self) -> Customer:
        """The target's shop, with this viewer as its customer."""
        return Customer(self._session.shop, self.identity)

    def react(self, median: float = 0.7, sigma: float = 0.4) -> None:
        """Wait as long as a person who sees a button light up takes to press it.

        Log-normal: reaction times are skewed to the right (R. D. Luce, Response Times, 1986). median: seconds; the
        default is 0.24 s to perceive, decide and move (Card, Moran and Newell, The Psychology of Human-Computer
        Interaction, 1983: 0.1 to 0.5 s) and the rest for the way of the thumb. sigma: of the logarithm; 0.4 puts 95 %
        between 0.3 s and 1.6 s.
        """
        gevent.sleep(random.lognormvariate(0.0, sigma) * median)

    def wait(self) -> None:
        """Pass a `wait_time`, as Locust does between tasks."""
        super().wait()  # type: ignore[no-untyped-call]

    def look_around(self) -> None:
        """Pass a random part of a `wait_time`, so that viewers who came together don't act together."""
        whole = self.wait_time
        self.wait_time = lambda: random.random() * whole()  # type: ignore[method-assign]
        try:
            self.wait()
        finally:
            del self.wait_time

    def start(self, group: Any) -> Any:
        """As Locust's; the viewer leaves its rooms when its greenlet ends, however that comes about."""
        greenlet = super().start(group)
        greenlet.rawlink(lambda _: self._end())
        return greenlet

    def failed(self, error: Exception) -> None:
        """An event handler raised: tell Locust, as it is told of tasks."""
        if isinstance(error, StopUser | StopTest | InterruptTaskSet | RescheduleTask | RescheduleTaskImmediately):
            return
        _LOGGER.error("%s: a handler failed", self.identity.user, exc_info=error)
        self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)

    def _end(self) -> None:
        for room in self.rooms:
            room.leave()
        self._session.identities.give_back(self.identity)


class Door:
    """The way into the target's rooms, for one viewer."""

    __slots__ = ("_user",)

    def __init__(self, user: CrowdUser) -> None:
        self._user = user

    def enter(self, identity: Identity, room: str | None = None) -> Room:
        """Connect to a room, one of the run's rooms by chance if none is named; waits until it is connected."""
        user = self._user
        entered = user._session.live.enter(identity, room, user.failed)
        user.rooms.append(entered)
        return entered


__all__ = [
    "CrowdUser",
    "Identity",
    "LiveEvent",
    "OrderResult",
    "Room",
    "between",
    "constant",
    "events",
    "phrase",
    "task",
]
