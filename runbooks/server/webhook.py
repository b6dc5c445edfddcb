"""Webhook: the HTTP server, for Alertmanager, for people, for Prometheus.

POST /alertmanager     Alertmanager's webhook, version 4          GET /                    the incidents
GET  /metrics          for Prometheus                             GET /incidents/NAME      one of them
GET  /healthz          whether it is up; for everybody

Alertmanager sends a message again after a 5xx, with growing pauses, and gives it up after a 4xx, 429 included, until
the group's next interval (https://github.com/prometheus/alertmanager, notify/webhook/webhook.go). So what is too much
just now is answered with 503, and what will never be taken with a 4xx.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from flashcrowd.errors import FlashcrowdError, NeedError
from runbooks.server import message, page
from runbooks.server.access import Listen, is_let_in
from runbooks.server.bounds import BODY, IDLE, Bucket, Connections
from runbooks.server.desk import Desk, OverloadedError
from runbooks.server.gauges import Gauges
from runbooks.server.journal import Journal
from runbooks.server.message import MOST_BYTES, RefusedMessageError

WRONG_TOKENS = 5.0
"""Answers to wrong tokens a second; more of them are told to come later."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Webhook:
    """The server of a desk."""

    def __init__(self, where: Listen, desk: Desk, journal: Journal, gauges: Gauges) -> None:
        self.where, self._desk, self._journal, self._gauges = where, desk, journal, gauges
        self._messages, self._strangers = Bucket(), Bucket(WRONG_TOKENS, WRONG_TOKENS * 4)
        self._connections: Connections | None = None

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Listen while the block lasts; the URL. Raises NeedError when the address can't be listened on."""
        app = web.Application(client_max_size=MOST_BYTES, middlewares=[self._around])
        app.add_routes(
            [
                web.post("/alertmanager", self._alerts),
                web.get("/", self._index),
                web.get("/incidents/{name}", self._incident),
                web.get("/page.js", self._script),
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
            ]
        )
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=75, auto_decompress=False)
        await runner.setup()
        assert runner.server is not None
        self._connections = Connections(runner.server, lambda why: self._journal.note("refused", why=why))
        watch = asyncio.create_task(self._connections.watch())
        try:
            server = await self._listen(self._connections)
            try:
                yield Listen(self.where.host, server.sockets[0].getsockname()[1], None, self.where.tls).url
            finally:
                server.close()
        finally:
            watch.cancel()
            await runner.cleanup()

    async def _listen(self, connections: Connections) -> asyncio.Server:
        host, port = self.where.host, self.where.port
        try:
            return await asyncio.get_running_loop().create_server(
                connections.accept,
                host,
                port,
                ssl=self.where.tls,
                ssl_handshake_timeout=IDLE if self.where.tls else None,
            )
        except OSError as error:
            raise NeedError(f"{host}:{port} can't be listened on: {error.strerror}; choose another --listen") from None

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Who may come in, and that whatever goes wrong is answered with a word and no more."""
        assert self._connections is not None
        with self._connections.at_work(request):
            try:
                if request.path != "/healthz" and not is_let_in(self.where, request):
                    return self._stranger(request)
                return page.guarded(await handler(request))
            except RefusedMessageError as error:
                self._journal.note(error.outcome, why=str(error), **_sender(request))
                return _answer(error.status, str(error))
            except web.HTTPException as error:
                return _answer(error.status, error.reason)
            except (FlashcrowdError, OSError) as error:
                self._journal.note("failed", why=str(error), **_sender(request))
                return _answer(500, "it could not be written down")

    def _stranger(self, request: web.Request) -> web.Response:
        if not self._strangers.take():
            self._journal.note("wrong_token", why="too often", **_sender(request))
            return _answer(429, "too many wrong tokens", {"Retry-After": "10"})
        if self.where.token is None:
            self._journal.note("wrong_token", why="a web page's request, or another Host", **_sender(request))
            return _answer(403, "not from a web page, and not by this name")
        self._journal.note("wrong_token", why="no token, or a wrong one", **_sender(request))
        return _answer(401, "a token is wanted", {"WWW-Authenticate": 'Basic realm="flashcrowd", charset="UTF-8"'})

    async def _alerts(self, request: web.Request) -> web.Response:
        """Take a message: all of its alerts, or as many as there is room for; then it has to come again."""
        if not self._messages.take():
            return self._overloaded(request, "too many messages")
        taken = message.read(await self._body(request))
        outcomes = Counter[str]()
        for alert in taken.alerts:
            try:
                outcome = self._desk.take(alert)
            except OverloadedError as error:
                return self._overloaded(request, str(error))
            outcomes[outcome] += 1
            await asyncio.sleep(0)  # each is written to disk; a step that is under way mustn't wait for all of them
            if outcome != "no_runbook":  # which the desk has noted, with its reason
                self._journal.note(outcome, alert=alert.name, key=alert.key)
        if taken.truncated:
            self._journal.note("truncated", alerts=taken.truncated)
        return web.json_response(dict(outcomes))

    async def _body(self, request: web.Request) -> bytes:
        if request.content_type != "application/json":
            raise RefusedMessageError(415, "malformed", f"its type is {request.content_type}, not application/json")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise RefusedMessageError(415, "malformed", "it is compressed")
        if (request.content_length or 0) > MOST_BYTES:
            raise RefusedMessageError(413, "too_large", f"{request.content_length} bytes, more than {MOST_BYTES}")
        try:
            async with asyncio.timeout(BODY):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise RefusedMessageError(413, "too_large", f"more than {MOST_BYTES} bytes") from None
        except TimeoutError:
            raise RefusedMessageError(408, "slow", f"its body took longer than {BODY:g} s") from None

    def _overloaded(self, request: web.Request, why: str) -> web.Response:
        self._journal.note("overloaded", why=why, **_sender(request))
        return _answer(503, why, {"Retry-After": "5"})

    async def _index(self, request: web.Request) -> web.Response:
        return page.index(self._desk)

    async def _incident(self, request: web.Request) -> web.Response:
        incident = self._desk.incidents.get(request.match_info["name"])
        if incident is None:
            raise web.HTTPNotFound
        return page.incident(self._desk, incident)

    async def _script(self, request: web.Request) -> web.Response:
        return page.script()

    async def _metrics(self, request: web.Request) -> web.Response:
        text = self._gauges.text([incident.state for incident in self._desk.open])
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")


def _answer(status: int, reason: str, headers: dict[str, str] | None = None) -> web.Response:
    """An error, in words of ours."""
    return web.json_response({"error": reason[:200]}, status=status, headers=headers)


def _sender(request: web.Request) -> dict[str, str]:
    return {"from": request.remote or "", "path": request.path}
