"""The proxy's HTTP API: Toxiproxy's paths, JSON shapes, status codes and error bodies (its api.go).

Where it differs: a `listen` that is left out is on loopback, not on every address; errors are labelled as JSON; a
toxic, and a proxy that is being disabled, may have a `ttl` (seconds) after which that ends by itself.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chaos.proxy.relay import ApiError, Relay, Relays
from chaos.proxy.toxic import STREAMS, Attributes, Stream, Toxic
from chaos.proxy.toxics import TYPES
from flashcrowd import __version__

API_VERSION = "2.12.0"
"""The Toxiproxy whose API this is."""

log = logging.getLogger("chaos.proxy")


class Body(BaseModel):
    """A request's JSON; what isn't known is ignored, as Toxiproxy does."""

    model_config = ConfigDict(strict=True)


class ProxyBody(Body):
    name: str = ""
    listen: str = ""
    upstream: str = ""
    enabled: bool = True

    def relay(self, place: str = "") -> Relay:
        """The proxy that is asked for. Raises ApiError when its name or upstream is missing."""
        for field in ("name", "upstream"):
            if not getattr(self, field):
                raise ApiError(f"missing required field: {field}{place}", 400)
        return Relay(self.name, self.listen, self.upstream)


class ProxyChange(Body):
    listen: str | None = None
    upstream: str | None = None
    enabled: bool | None = None
    ttl: float | None = Field(None, gt=0)


class ToxicBody(Body):
    name: str = ""
    type: str = ""
    stream: str = "downstream"
    toxicity: float = Field(1.0, ge=0, le=1)
    attributes: dict[str, Any] = {}
    ttl: float | None = Field(None, gt=0)

    def toxic(self) -> Toxic:
        """The toxic that is asked for. Raises ApiError: unknown stream or type, or attributes that don't fit."""
        stream = _stream(self.stream)
        if self.type not in TYPES:
            raise ApiError("invalid toxic type", 400)
        attributes = _checked(TYPES[self.type], self.attributes)
        name = self.name or f"{self.type}_{stream}"
        return Toxic(name, self.type, stream, self.toxicity, attributes, self.ttl)


class ToxicChange(Body):
    toxicity: float | None = Field(None, ge=0, le=1)
    attributes: dict[str, Any] = {}

    def apply(self, toxic: Toxic) -> Toxic:
        """The toxic with what changes; the other attributes stay. Raises ApiError when they don't fit."""
        attributes: Attributes = _checked(
            type(toxic.attributes), toxic.attributes.model_dump(by_alias=True) | self.attributes
        )
        toxicity = toxic.toxicity if self.toxicity is None else self.toxicity
        return Toxic(toxic.name, toxic.type, toxic.stream, toxicity, attributes, toxic.ttl)


class Api:
    """The handlers, one for each path and verb."""

    def __init__(self, relays: Relays) -> None:
        self._relays = relays

    async def list_proxies(self, request: Request) -> Response:
        return JSONResponse({relay.name: relay.as_dict() for relay in self._relays})

    async def create_proxy(self, request: Request) -> Response:
        body = await _read(request, ProxyBody)
        relay = body.relay()
        await self._relays.add(relay, body.enabled)
        return JSONResponse(relay.as_dict(), 201)

    async def show_proxy(self, request: Request) -> Response:
        return JSONResponse(self._relay(request).as_dict())

    async def update_proxy(self, request: Request) -> Response:
        relay, change = self._relay(request), await _read(request, ProxyChange)
        await relay.update(
            relay.listen if change.listen is None else change.listen,
            change.upstream or relay.upstream,
            change.enabled,
            change.ttl,
        )
        log.info("%s: %s", relay.name, "enabled" if relay.enabled else "disabled")
        return JSONResponse(relay.as_dict())

    async def delete_proxy(self, request: Request) -> Response:
        self._relays.remove(request.path_params["proxy"])
        return Response(status_code=204)

    async def list_toxics(self, request: Request) -> Response:
        return JSONResponse([toxic.as_dict() for toxic in self._relay(request).toxics])

    async def create_toxic(self, request: Request) -> Response:
        relay = self._relay(request)
        toxic = (await _read(request, ToxicBody)).toxic()
        relay.add(toxic)
        log.info("%s: toxic %s added: %s %s", relay.name, toxic.name, toxic.stream, toxic.attributes)
        return JSONResponse(toxic.as_dict())

    async def show_toxic(self, request: Request) -> Response:
        return JSONResponse(self._relay(request).toxic(request.path_params["toxic"]).as_dict())

    async def update_toxic(self, request: Request) -> Response:
        relay = self._relay(request)
        relay.toxic(request.path_params["toxic"])
        change = await _read(request, ToxicChange)
        toxic = change.apply(relay.toxic(request.path_params["toxic"]))
        relay.replace(toxic)
        log.info("%s: toxic %s changed: %s", relay.name, toxic.name, toxic.attributes)
        return JSONResponse(toxic.as_dict())

    async def delete_toxic(self, request: Request) -> Response:
        relay = self._relay(request)
        relay.remove(request.path_params["toxic"])
        log.info("%s: toxic %s removed", relay.name, request.path_params["toxic"])
        return Response(status_code=204)

    async def populate(self, request: Request) -> Response:
        """Create or replace a list of proxies; nothing is touched unless all of the list can be read."""
        try:
            data = await _json(request)
            if not isinstance(data, list):
                raise ApiError("bad request body: wants a list of proxies", 400)
            bodies = [_checked(ProxyBody, row) for row in data]
            wanted = [(body.relay(f" at proxy {place}"), body.enabled) for place, body in enumerate(bodies, 1)]
            relays = [await self._relays.put(relay, enabled) for relay, enabled in wanted]
        except ApiError as error:
            return JSONResponse({"error": error.message, "status": error.status, "proxies": None}, error.status)
        return JSONResponse({"proxies": [relay.as_dict() for relay in relays]}, 201)

    async def reset(self, request: Request) -> Response:
        await self._relays.reset()
        log.info("reset: every proxy enabled, every toxic removed")
        return Response(status_code=204)

    async def version(self, request: Request) -> Response:
        return JSONResponse({"version": f"{API_VERSION}+flashcrowd-{__version__}"})

    def _relay(self, request: Request) -> Relay:
        return self._relays.get(request.path_params["proxy"])


class NoBrowsers:
    """Refuses browsers, as Toxiproxy does: a page must not be able to break things behind its reader's back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and dict(scope["headers"]).get(b"user-agent", b"").startswith(b"Mozilla/"):
            await PlainTextResponse("User agent not allowed", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def api(relays: Relays) -> Starlette:
    """The API over these relays."""
    on = Api(relays)
    change = ["POST", "PATCH"]
    handlers: list[tuple[str, Callable[[Request], Awaitable[Response]], list[str]]] = [
        ("/proxies", on.list_proxies, ["GET"]),
        ("/proxies", on.create_proxy, ["POST"]),
        ("/proxies/{proxy}", on.show_proxy, ["GET"]),
        ("/proxies/{proxy}", on.update_proxy, change),
        ("/proxies/{proxy}", on.delete_proxy, ["DELETE"]),
        ("/proxies/{proxy}/toxics", on.list_toxics, ["GET"]),
        ("/proxies/{proxy}/toxics", on.create_toxic, ["POST"]),
        ("/proxies/{proxy}/toxics/{toxic}", on.show_toxic, ["GET"]),
        ("/proxies/{proxy}/toxics/{toxic}", on.update_toxic, change),
        ("/proxies/{proxy}/toxics/{toxic}", on.delete_toxic, ["DELETE"]),
        ("/populate", on.populate, ["POST"]),
        ("/reset", on.reset, ["POST"]),
        ("/version", on.version, ["GET"]),
    ]
    return Starlette(
        routes=[Route(path, handler, methods=methods) for path, handler, methods in handlers],
        middleware=[Middleware(NoBrowsers)],
        exception_handlers={ApiError: _explain},
    )


B = TypeVar("B", bound=BaseModel)


async def _explain(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse({"error": error.message, "status": error.status}, error.status)


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise ApiError(f"bad request body: {error}", 400) from None


async def _read(request: Request, model: type[B]) -> B:
    return _checked(model, await _json(request))


def _checked(model: type[B], data: object) -> B:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        message = f"{place}: {first['msg']}" if place else first["msg"]
        raise ApiError(f"bad request body: {message}", 400) from None


def _stream(name: str) -> Stream:
    for stream in STREAMS:
        if name == stream:
            return stream
    raise ApiError("stream was invalid, can be either upstream or downstream", 400)
