"""The events service: takes in behaviour data, in batches. Started as `python -m storefront.events`."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storefront import service
from storefront.behaviour import Behaviour, Event
from storefront.service import Health, InvalidError, answer, application, document, end, refusal, serve, vital
from storefront.settings import port, read, variable

BATCH = 1000  # events, at most


@dataclass(frozen=True)
class EventsSettings:
    port: int = variable("EVENTS_PORT", port)


class Events:
    """The HTTP face of the behaviour."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    async def take(self, request: Request) -> Response:
        events = _events(await request.body())
        shed = self._behaviour.take(events)
        if shed is None:
            return Response(b'{"reason":"full"}', 503, {"retry-after": "1"}, media_type="application/json")
        return answer(202, {"accepted": len(events) - shed, "shed": shed})

    async def visible(self, request: Request) -> Response:
        known, at = self._behaviour.became(request.path_params["number"])
        if not known:
            return refusal(404, "not processed yet")
        return refusal(410, "shed") if at is None else answer(200, {"visible_at": at})

    async def shedding(self, request: Request) -> Response:
        wanted = (await document(request)).get("low_priority")
        if not isinstance(wanted, bool):
            raise InvalidError("low_priority is not true or false")
        self._behaviour.shedding = wanted
        return answer(200, {"low_priority": wanted})

    async def consumes(self, _: Request) -> Response:
        return answer(200, {"rate": self._behaviour.rate})

    async def consumer(self, request: Request) -> Response:
        self._behaviour.rate = service.rate(await document(request))
        return await self.consumes(request)


def _events(body: bytes) -> list[Event]:
    """Raises InvalidError."""
    try:
        rows = json.loads(body)
    except ValueError:
        raise InvalidError("the body is not JSON") from None
    if not isinstance(rows, list) or len(rows) > BATCH:
        raise InvalidError(f"the body is not a list of at most {BATCH} events")
    now = time.time()
    try:
        return [Event(_number(row["id"]), str(row["kind"]), now) for row in rows]
    except (KeyError, TypeError):
        raise InvalidError("an event is not an object with id and kind") from None


def _number(number: object) -> str:
    if not isinstance(number, str | int) or not 0 < len(str(number)) <= 100:
        raise InvalidError("an event's id is not a text of 1 to 100 characters")
    return str(number)


def app() -> Starlette:
    health = Health("events")
    behaviour = Behaviour()
    events = Events(behaviour)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        consuming = vital(behaviour.run())
        health.ready()
        try:
            yield
        finally:
            await end(consuming)

    routes = [
        Route("/events", events.take, methods=["POST"]),
        Route("/events/{number}", events.visible),
        Route("/admin/shedding", events.shedding, methods=["POST"]),
        Route("/admin/consumer", events.consumes),
        Route("/admin/consumer", events.consumer, methods=["POST"]),
    ]
    return application(health, routes, lifespan, behaviour.refresh)


def main() -> None:
    settings = read(EventsSettings)
    serve(app, settings.port)


if __name__ == "__main__":
    main()
