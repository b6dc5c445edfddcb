"""The waiting room: lets so many orders in a second into the shop; the others are told when to come again."""

import time

from prometheus_client import Counter, Gauge

RATE = Gauge("shop_waiting_room_rate", "Orders let in a second; 0 while the waiting room is closed")
WAITING = Counter("shop_waiting_total", "Orders told to come again")


class WaitingRoom:
    """A token bucket that holds at most one second's orders."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self._tokens, self._at = 0.0, time.monotonic()

    def open(self, rate: float | None) -> None:
        """Let `rate` orders a second in; None: all of them."""
        self.rate, self._tokens, self._at = rate, rate or 0.0, time.monotonic()
        RATE.set(rate or 0)

    def admits(self) -> bool:
        """Whether one more order may go in now."""
        if self.rate is None:
            return True
        now = time.monotonic()
        # At rates below 1 the bucket still takes a whole order.
        self._tokens, self._at = min(max(self.rate, 1.0), self._tokens + (now - self._at) * self.rate), now
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        WAITING.inc()
        return False
