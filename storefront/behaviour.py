"""Behaviour: events of viewers in a bounded queue, and what has become visible of them.

A consumer makes events visible in the order of their arrival, as fast as it can or at a rate. The queue is long when
its oldest event has waited for `LONG`; with shedding on, events of low priority then give way: those that come, and
those that have waited as long.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("events_total", "Events by what became of them", ["outcome"])
QUEUE = Gauge("events_queue_length", "Events that wait to be processed")
FRESHNESS = Gauge("events_freshness_seconds", "Age of the oldest event that waits; 0 with an empty queue")
VISIBLE = Histogram(
    "events_visible_seconds",
    "Time from an event's arrival to its being visible",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
SHEDDING = Gauge("events_shedding", "1 while events of low priority may be shed")
RATE = Gauge("events_consumer_rate", "Events the consumer processes in a second at most; 0 without a limit")
COUNTED = {outcome: EVENTS.labels(outcome) for outcome in ("accepted", "shed", "refused", "visible")}
LOW_PRIORITY = frozenset({"view", "like", "dwell"})
CAPACITY = 200_000  # events in the queue
LONG = 1.0  # seconds
MEMORY = 200_000  # events whose visibility can be asked for
REMEMBERED = 60.0  # seconds that it can be asked for, so that a long quiet run needs no more memory than a short one
TICK = 0.02  # seconds
BURST = 1000  # events between two looks at what else there is to do


@dataclass(frozen=True, slots=True)
class Event:
    """An event, arrived at `at` (unix seconds)."""

    number: str
    kind: str
    at: float


class Behaviour:
    """Queue, consumer and memory."""

    def __init__(self) -> None:
        self.shedding = False
        self.rate: float | None = None
        self._queue: deque[Event] = deque()
        self._known: OrderedDict[str, tuple[float, float | None]] = OrderedDict()  # until when; visible since
        self._wake = asyncio.Event()

    def take(self, events: Sequence[Event]) -> int | None:
        """Queue a batch; how many of it were shed, or None when there is no room for it."""
        if len(self._queue) + len(events) > CAPACITY:
            COUNTED["refused"].inc(len(events))
            return None
        long = self.shedding and bool(self._queue) and time.time() - self._queue[0].at > LONG
        shed = sum(self._offer(event, long) for event in events)
        COUNTED["accepted"].inc(len(events) - shed)
        self._wake.set()
        return shed

    def became(self, number: str) -> tuple[bool, float | None]:
        """Whether it is known what became of the event, and when it became visible; None if it was shed."""
        _, at = self._known.get(number, (0.0, None))
        return number in self._known, at

    def refresh(self) -> None:
        """Bring the gauges up to date."""
        QUEUE.set(len(self._queue))
        FRESHNESS.set(time.time() - self._queue[0].at if self._queue else 0.0)
        SHEDDING.set(self.shedding)
        RATE.set(self.rate or 0)

    async def run(self) -> None:
        """Process for ever."""
        allowed, at = 0.0, time.monotonic()
        while True:
            self._wake.clear()
            if not self._queue:
                await self._wake.wait()
            passed, at = time.monotonic() - at, time.monotonic()
            if self.rate is None:
                self._process(BURST)
                await asyncio.sleep(0)
                continue
            # What an idle or late consumer didn't use doesn't add up.
            allowed = min(allowed + passed * self.rate, max(1.0, 2 * TICK * self.rate))
            allowed -= self._process(int(allowed))
            await asyncio.sleep(TICK)

    def _process(self, most: int) -> int:
        """Make up to so many events visible; how many it were."""
        done, now = 0, time.time()
        while self._queue:
            event = self._queue[0]
            if self.shedding and event.kind in LOW_PRIORITY and now - event.at > LONG:
                self._shed(self._queue.popleft())
            elif done == most:
                break
            else:
                self._show(self._queue.popleft(), now)
                done += 1
        return done

    def _show(self, event: Event, now: float) -> None:
        VISIBLE.observe(now - event.at)
        COUNTED["visible"].inc()
        self._remember(event.number, now)

    def _offer(self, event: Event, long: bool) -> bool:
        """Queue the event, or shed it; whether it was shed."""
        if long and event.kind in LOW_PRIORITY:
            self._shed(event)
            return True
        self._queue.append(event)
        return False

    def _shed(self, event: Event) -> None:
        COUNTED["shed"].inc()
        self._remember(event.number, None)

    def _remember(self, number: str, at: float | None) -> None:
        now = time.monotonic()
        self._known[number] = now + REMEMBERED, at
        self._known.move_to_end(number)
        while len(self._known) > MEMORY or next(iter(self._known.values()))[0] < now:
            self._known.popitem(last=False)
