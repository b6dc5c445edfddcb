"""House rules: what operators impose on the chat and those who come to it, the same in all live processes.

A rule goes over the bus, also to the process that was asked for it. One that starts asks for the rules of the others.
Of two rules of one name the later imposed holds, in whatever order they arrive.
"""

import asyncio
import json
import random
import time
import uuid
from typing import Any

from prometheus_client import Counter, Gauge
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storefront import service
from storefront.channel import Channel
from storefront.service import InvalidError, answer, document, refusal

SLOW = Gauge("live_slow_mode_seconds", "Seconds a viewer waits between two comments; 0 while slow mode is off")
SHARE = Gauge("live_sampling_share", "Share of the comments of big rooms that is delivered")
SLOWED = Counter("live_slowed_total", "Comments refused by slow mode")
SPREAD = Gauge("live_reconnects_over_seconds", "Seconds over which viewers who found no place come again; 0: any time")
SAMPLED = Counter("live_sampled_total", "Comments of big rooms that were not delivered, to spare everybody")
TOPIC = "rules/"
BIG = 100  # viewers in one process
PATIENCE = 2.0  # seconds a rule may take over the bus


class HouseRules:
    """Slow mode, sampling, and when to come again. `channel` must hear the topics that start with `TOPIC` and hand them
    to `hear`."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._rules: dict[str, float] = {"slow": 0.0, "share": 1.0, "over": BIG, "spread": 0}
        self._imposed_at = dict.fromkeys(self._rules, 0.0)
        self._told: dict[str, asyncio.Future[None]] = {}
        SHARE.set(1)

    def routes(self) -> list[Route]:
        return [
            Route("/admin/slow-mode", self.slow_mode, methods=["POST"]),
            Route("/admin/sampling", self.sampling, methods=["POST"]),
            Route("/admin/reconnects", self.reconnects, methods=["POST"]),
            Route("/admin/rules", self.overview),
        ]

    async def slow_mode(self, request: Request) -> Response:
        """`{"seconds": S}`: one comment per viewer in S seconds; 0 ends it."""
        seconds = service.number(await document(request), "seconds")
        if not 0 <= seconds <= 3600:
            raise InvalidError("seconds is not a number from 0 to 3600")
        return await self._impose({"slow": seconds})

    async def sampling(self, request: Request) -> Response:
        """`{"share": X, "over": N}`: rooms of more than N viewers a process get a share of X of the comments."""
        body = await document(request)
        share, over = service.number(body, "share"), service.whole({"over": BIG, **body}, "over", 0)
        if not 0 <= share <= 1:
            raise InvalidError("share is not a number from 0 to 1")
        return await self._impose({"share": share, "over": over})

    async def reconnects(self, request: Request) -> Response:
        """`{"over": S}`: whoever finds no place is told to come again after 1 to S seconds; 0 leaves it to them."""
        return await self._impose({"spread": service.whole(await document(request), "over", 0, 3600)})

    async def overview(self, _: Request) -> Response:
        return answer(200, self._rules)

    def ask(self) -> None:
        """Learn what has been imposed before we came."""
        self._channel.publish(TOPIC + "ask", b"")

    def hear(self, topic: str, body: bytes) -> None:
        """Take a message off the bus."""
        if topic == TOPIC + "ask":
            self._publish({name: (value, self._imposed_at[name]) for name, value in self._rules.items()})
            return
        message: dict[str, Any] = json.loads(body)
        for name, (value, at) in message["rules"].items():
            if at >= self._imposed_at[name]:
                self._rules[name], self._imposed_at[name] = value, at
        SLOW.set(self._rules["slow"])
        SHARE.set(self._rules["share"])
        SPREAD.set(self._rules["spread"])
        if told := self._told.pop(message["id"], None):
            told.set_result(None)

    def wait(self, since: float) -> float:
        """Seconds for which a viewer, whose last comment was `since` seconds ago, may say nothing."""
        if since >= self._rules["slow"]:
            return 0.0
        SLOWED.inc()
        return self._rules["slow"] - since

    def samples(self, viewers: int) -> bool:
        """Whether a comment in a room of so many viewers is one of those that aren't delivered."""
        if self._rules["share"] == 1 or viewers <= self._rules["over"] or random.random() < self._rules["share"]:
            return False
        SAMPLED.inc()
        return True

    def again(self) -> int:
        """Seconds after which one who found no place is to come again; 0: nothing is said."""
        return random.randint(1, int(self._rules["spread"])) if self._rules["spread"] else 0

    async def _impose(self, rules: dict[str, float]) -> Response:
        number, now = uuid.uuid4().hex, time.time()
        told = self._told[number] = asyncio.get_running_loop().create_future()
        self._publish({name: (value, now) for name, value in rules.items()}, number)
        try:
            await asyncio.wait_for(told, PATIENCE)
        except TimeoutError:
            self._told.pop(number, None)
            return refusal(503, "bus")
        return answer(200, self._rules)

    def _publish(self, rules: dict[str, tuple[float, float]], number: str = "") -> None:
        self._channel.publish(TOPIC + "set", json.dumps({"rules": rules, "id": number}).encode())
