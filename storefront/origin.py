"""The origin service: encodes the picture, so to say. Started as `python -m storefront.origin`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storefront.renditions import RENDITIONS, newest
from storefront.service import Health, answer, application, refusal, serve
from storefront.settings import port, read, variable

SENT = Counter("origin_segments_total", "Segments sent", ["rendition"])
KEPT = 60  # segments


@dataclass(frozen=True)
class OriginSettings:
    port: int = variable("ORIGIN_PORT", port)


class Origin:
    """The segments of the last minute."""

    def __init__(self) -> None:
        self._bytes = {rendition.name: rendition.segment() for rendition in RENDITIONS}

    async def newest(self, _: Request) -> Response:
        return answer(200, {"newest": newest()})

    async def segment(self, request: Request) -> Response:
        rendition, number = request.path_params["rendition"], request.path_params["number"]
        if rendition not in self._bytes or not newest() - KEPT < number <= newest():
            return refusal(404, "no such segment")
        SENT.labels(rendition).inc()
        return Response(self._bytes[rendition], media_type="video/mp2t")


def app() -> Starlette:
    health = Health("origin")
    origin = Origin()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        health.ready()
        yield

    routes = [Route("/newest", origin.newest), Route("/{rendition}/{number:int}.ts", origin.segment)]
    return application(health, routes, lifespan)


def main() -> None:
    settings = read(OriginSettings)
    serve(app, settings.port)


if __name__ == "__main__":
    main()
