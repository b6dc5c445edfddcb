"""Users: what a scenario is written with. `CrowdUser` is a Locust user with an identity, a chat and a shop.

A scenario imports from here alone. It reads as ordinary blocking Locust code: see `scenarios/live_commerce.py`.
"""

from __future__ import annotations

import logging
import math
import random
import time
from statistics import NormalDist
from typing import Any

import locust
from greenlet import getcurrent  # type: ignore[import-untyped]
from locust import between, constant, events, task
from locust.env import Environment
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from flashcrowd.errors import InputError
from loadtests import people
from loadtests.arrivals import Arrivals
from loadtests.behaviour import Diary
from loadtests.customer import Customer
from loadtests.draw import Entrant
from loadtests.dwell import dwelling
from loadtests.fate import fate
from loadtests.forbidden import forbidden_comment
from loadtests.frames import LiveEvent
from loadtests.identities import Identity
from loadtests.life import Handle
from loadtests.phrases import phrase
from loadtests.room import Room
from loadtests.session import Session
from loadtests.shop import OrderResult
from loadtests.stream import Watching

_LOGGER = logging.getLogger(__name__)
_session: Session | None = None


def use(session: Session) -> None:
    """Give this process's session to the viewers that are made from now on."""
    global _session  # noqa: PLW0603 (a Locust process holds one session, and Locust makes the users)
    _session = session


class CrowdUser(locust.User):
    """A viewer.

    identity: who it is. live: `enter(identity)` gives a room, which stays connected until the viewer stops.
    shop: `order`, `browse`, `goods` and more. draw: `enter` and `result`. stream: `watch(room)` shows the picture until
    it is stopped. behaviour: `note(kind, value)` tells the platform what the viewer does. Exceptions of tasks and of
    event handlers are logged and counted by Locust (`user_error`); they end neither the viewer nor anything of another
    one.

    It reads as if it had a greenlet of its own, but has one (a lane) during on_start, tasks, handlers and on_stop only:
    between tasks it is parked. Whatever gevent can wait for may be waited for in a task.

    bots: the share of viewers who are none, and react in 0 ms. bot: whether this one is.
    """

    abstract = True
    wait_time = between(15, 45)
    bots = 0.0
    bot = False
    _reactions = 0

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if _session is None:
            raise InputError("a CrowdUser needs a target; start it with: flashcrowd load run FILE --target TARGET")
        self._session = _session
        self._ahead: float | None = None
        self.identity: Identity = _session.identities.take()
        if self.bots and self.fate("bot") < self.bots:
            self.bot = True
        self.rooms: tuple[Room, ...] = ()
        self._customer: Customer | None = None
        self._screen: Screen | None = None
        self._diary: Diary | None = None

    @property
    def live(self) -> Door:
        """The way into the target's rooms."""
        return Door(self)

    def has(self, *blocks: str) -> bool:
        """Whether the target has all of these blocks of its file: `live`, `shop`, `draw`, `stream`, `events`."""
        target = self._session.config.target
        return target is not None and all(getattr(target.spec, block) is not None for block in blocks)

    @property
    def shop(self) -> Customer:
        """The target's shop, with this viewer as its customer."""
        if self._customer is None:
            self._customer = Customer(self._session.shop, self.identity)
        return self._customer

    @property
    def stream(self) -> Screen:
        """The target's picture, on this viewer's screen."""
        if self._screen is None:
            self._screen = Screen(self)
        return self._screen

    @property
    def behaviour(self) -> Diary:
        """What this viewer does, for the platform's data."""
        if self._diary is None:
            self._diary = self._session.behaviour.diary(self.identity)
        return self._diary

    @property
    def draw(self) -> Entrant:
        """The target's draws, with this viewer as an entrant."""
        return Entrant(self._session.draws, self.identity)

    def fate(self, what: str) -> float:
        """A number by chance, from 0 to below 1, that is the same for this viewer in each load with the same seed.

        what: names the question, as `interested`; each has an answer of its own. For what a viewer is; what it does at
        one moment or another may be left to `random`.
        """
        return fate(self._session.config.seed, self.identity.user, what)

    def reaction(self) -> float:
        """The seconds that the viewer takes to press a button that lights up, by chance; none, if it is a bot."""
        if self.bot:
            return 0.0
        self._reactions += 1
        deviations = NormalDist().inv_cdf(max(self.fate(f"reaction {self._reactions}"), 1e-9))
        return math.exp(deviations * people.REACTION_SIGMA) * people.REACTION

    def react(self, median: float = people.REACTION, sigma: float = people.REACTION_SIGMA) -> None:
        """Wait as long as a person who sees a button light up takes to press it.

        Log-normal. median: seconds; sigma: of the logarithm; the defaults and their sources are in `people`. A bot
        doesn't wait at all.

        In a handler the time of the first one counts from the arrival of the event, so that a generator that is late in
        reading it doesn't make people slow; what it is late all the same is recorded (`rush lag`).
        """
        engine, seconds = self._session.engine, random.lognormvariate(0.0, sigma) * median
        if self.bot:
            seconds = 0.0
        lane = getcurrent()
        since: float | None = getattr(lane, "since", None)
        if since is None:
            engine.sleep(seconds)
            return
        lane.since = None
        ahead = since + seconds - time.time()
        engine.sleep(ahead)
        late = time.time() - since - seconds
        if ahead < 0.0:  # the event was read too late for it: sleep, which counts what it is late itself, can't know
            engine.start_lags.append(late)
        self._session.tally.rush_lag.record(late)

    def arrive(self) -> None:
        """What the viewer does when an arrival falls to it, with `--arrivals`: one of its tasks, if not overridden.

        Its `wait_time` means nothing then: the schedule says when, and a viewer that is free does.
        """
        chosen: Any = random.choice(self.tasks) if self.tasks else None
        if chosen is None or isinstance(chosen, type):
            raise StopTest(f"{type(self).__name__} has no single tasks; with --arrivals, give it a method arrive()")
        chosen(self)

    @property
    def arrivals(self) -> Arrivals | None:
        """The schedule of this process, if the load has one."""
        return self._session.arrivals

    @property
    def parked(self) -> bool:
        """Whether the viewer begins nothing by itself: it waits for an arrival, or for the doors to open."""
        return self._session.parked

    def wait(self) -> None:
        """Pass a `wait_time` inside a task; as in Locust, the viewer can be stopped meanwhile. It keeps its lane."""
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self._state = LOCUST_STATE_WAITING
        self._session.engine.sleep(self.wait_time())
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self._state = LOCUST_STATE_RUNNING

    def look_around(self) -> None:
        """Let the next task follow after a random part of a `wait_time`: who came together shouldn't act together."""
        self._ahead = random.random() * self.wait_time()

    def take_ahead(self) -> float | None:
        """The seconds of `look_around`, once; None without it."""
        ahead, self._ahead = self._ahead, None
        return ahead

    def start(self, group: Any) -> Any:
        """As Locust's, but what the group gets is a Handle; the viewer leaves its rooms once it is gone."""
        self._group = group
        self._greenlet = handle = Handle(self, self._session.engine)
        self._state = LOCUST_STATE_RUNNING
        group.add(handle)
        handle.start()
        return handle

    def stop(self, force: bool = False) -> bool:
        """As Locust's: at once if forced or between tasks, else after the task under way. Whether it was at once."""
        if force or self._state in (None, LOCUST_STATE_WAITING):
            assert self._greenlet is not None
            self._greenlet.kill()
            return True
        self._state = LOCUST_STATE_STOPPING
        return False

    def failed(self, error: Exception) -> None:
        """An event handler raised: tell Locust, as it is told of tasks."""
        if isinstance(error, StopUser | StopTest | InterruptTaskSet | RescheduleTask | RescheduleTaskImmediately):
            return
        _LOGGER.error("%s: a handler failed", self.identity.user, exc_info=error)
        self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)

    def end(self) -> None:
        """The viewer is gone: it leaves its rooms, and its identity is free. Called by its Handle."""
        if self.arrivals is not None:
            handle: Any = self._greenlet
            self.arrivals.leave(handle)
        for room in self.rooms:
            room.leave()
        if self._screen is not None:
            self._screen.turn_off()
        if self._diary is not None:
            self._diary.flush()
        if self._customer is not None:
            self._customer.leave()
        self._session.identities.give_back(self.identity)


class Door:
    """The way into the target's rooms, for one viewer."""

    __slots__ = ("_user",)

    def __init__(self, user: CrowdUser) -> None:
        self._user = user

    def enter(self, identity: Identity, room: str | None = None) -> Room:
        """Connect to a room, one of the run's rooms by chance if none is named; waits until it is connected."""
        user = self._user
        if room is None:
            room = user._session.live.parts.draw(user.fate(f"room {len(user.rooms)}"))
        entered = user._session.live.enter(identity, room, user.failed)
        user.rooms = (*user.rooms, entered)
        return entered

    def tells(self, *events: str) -> bool:
        """Whether the target file says how to recognise all of these events."""
        return set(events) <= set(self._user._session.live.spec.events)


class Screen:
    """What one viewer watches."""

    __slots__ = ("_user", "_visits", "_watching")

    def __init__(self, user: CrowdUser) -> None:
        self._user = user
        self._watching: Watching | None = None
        self._visits = 0

    def watch(self, room: str | None = None) -> Watching:
        """Watch a room, one of the run's rooms by chance if none is named, until stopped or another one is watched."""
        self.turn_off()
        user, stream = self._user, self._user._session.stream
        if room is None:
            self._visits += 1
            room = stream.popularity.draw(user.fate(f"picture {self._visits}"))
        self._watching = stream.watch(user.identity, room)
        return self._watching

    def watch_for(self, seconds: float, room: str | None = None) -> None:
        """As `watch`, and wait until so many seconds have passed; the viewer keeps its lane meanwhile."""
        watching = self.watch(room)
        try:
            self._user._session.engine.sleep(seconds)
        finally:
            watching.stop()

    def turn_off(self) -> None:
        """Watch nothing. May be repeated."""
        if self._watching is not None:
            self._watching.stop()
            self._watching = None


__all__ = [
    "CrowdUser",
    "Identity",
    "LiveEvent",
    "OrderResult",
    "Room",
    "Watching",
    "between",
    "constant",
    "dwelling",
    "events",
    "forbidden_comment",
    "people",
    "phrase",
    "task",
]
