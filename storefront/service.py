"""A service: one Starlette app on one port, with its health, its metrics and its end."""

import asyncio
import json
import math
import os
import re
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, disable_created_metrics, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from storefront.beginning import log, prepare

SLUG = re.compile(r"[A-Za-z0-9_.-]+")
disable_created_metrics()  # type: ignore[no-untyped-call]


class InvalidError(ValueError):
    """A request that can't be read; answered 400 with its message as the reason."""


class Health:
    """Whether the service can do its work; until then `/healthz` answers 503."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._ready = asyncio.Event()

    def ready(self) -> None:
        self._ready.set()

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    async def announce(self, port: int) -> None:
        await self._ready.wait()
        log.info("%s ready on 127.0.0.1:%d", self.name, port)


def answer(status: int, body: Mapping[str, Any] | Sequence[Any]) -> Response:
    return Response(json.dumps(body), status, media_type="application/json")


def refusal(status: int, reason: str) -> Response:
    return answer(status, {"reason": reason})


async def document(request: Request) -> dict[str, Any]:
    """The JSON object of a request's body; raises InvalidError."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise InvalidError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise InvalidError("the body is not a JSON object")
    return body


def text(body: Mapping[str, Any], name: str) -> str:
    """The non-empty string at `name`, of at most 200 characters; raises InvalidError."""
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise InvalidError(f"{name} is not a string of 1 to 200 characters")
    return value


def whole(body: Mapping[str, Any], name: str, low: int, high: int = 10**9) -> int:
    """The whole number at `name`, within bounds; raises InvalidError."""
    value = body.get(name)
    if type(value) is not int or not low <= value <= high:
        raise InvalidError(f"{name} is not a whole number from {low} to {high}")
    return value


def slug(body: Mapping[str, Any], name: str) -> str:
    """The identifier at `name`, which can stand in a path; raises InvalidError."""
    value = text(body, name)
    if not SLUG.fullmatch(value):
        raise InvalidError(f"{name} is not made of letters, digits and . _ - only")
    return value


def room(body: Mapping[str, Any]) -> str:
    """The room at `room`; `*`, which is all rooms, where there is none. Raises InvalidError."""
    return slug(body, "room") if body.get("room", "*") != "*" else "*"


def bearer(request: Request) -> str:
    """The bearer's token, which is the user's name here; empty where the request has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def number(body: Mapping[str, Any], name: str) -> float:
    """The finite number at `name`; raises InvalidError."""
    value = body.get(name)
    if type(value) not in (int, float) or not math.isfinite(cast(float, value)):
        raise InvalidError(f"{name} is not a number")
    return float(cast(float, value))


def rate(body: Mapping[str, Any]) -> float | None:
    """The number above 0 at `rate`, or None, which must be written out; raises InvalidError."""
    if "rate" in body and body["rate"] is None:
        return None
    value = number(body, "rate")
    if value <= 0:
        raise InvalidError("rate is not a number above 0, or null")
    return value


def application(
    health: Health,
    routes: Sequence[BaseRoute],
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    refresh: Callable[[], None] = lambda: None,
) -> Starlette:
    """The app with `/healthz` and `/metrics`; `refresh` brings gauges up to date before they are read."""

    async def healthz(_: Request) -> Response:
        return answer(200, {"status": "ready"}) if health.is_ready else answer(503, {"status": "starting"})

    async def metrics(_: Request) -> Response:
        refresh()
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    async def invalid(_: Request, error: Exception) -> Response:
        return refusal(400, str(error))

    common = [Route("/healthz", healthz), Route("/metrics", metrics)]
    app = Starlette(routes=[*routes, *common], lifespan=lifespan, exception_handlers={InvalidError: invalid})
    app.state.health = health
    return app


class _Server(uvicorn.Server):
    """Says so when the port is bound and the service can work."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self._announced = asyncio.create_task(self.config.app.state.health.announce(self.config.port))  # type: ignore[union-attr]


def serve(app: Callable[[], Starlette], port: int, shared: int = 0) -> None:
    """Run until SIGTERM, which ends the process with 0 within a second.

    shared: another port, if not 0, at which any one of several processes answers, so that somebody does while one runs.
    """
    prepare()
    config = uvicorn.Config(
        app(),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        # Longer than our clients keep theirs: a connection must not be closed under a request just being sent.
        timeout_keep_alive=75,
        # uvicorn hands it to asyncio.wait_for, which takes fractions.
        timeout_graceful_shutdown=cast(int, 0.4),
    )
    _Server(config).run([_bound(port), _bound(shared)] if shared else None)


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def vital(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """Work the service can't do without: should it fail, the process ends, for its supervisor to start it again."""
    task = asyncio.create_task(work)
    task.add_done_callback(_survive)
    return task


def _survive(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("the service can't go on", exc_info=error)
        os._exit(1)


async def end(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel background tasks and wait for them."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
