"""Runbook server: alerts in, a diagnosis at once, a mitigation where all agree; `flashcrowd runbook serve` in code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import mark_headers
from flashcrowd.secret import Secret
from flashcrowd.target import Target, read_target
from monitors.prometheus import Prometheus
from runbooks.server.access import Listen
from runbooks.server.chat import Chat
from runbooks.server.desk import Desk
from runbooks.server.gauges import Gauges
from runbooks.server.incident import State
from runbooks.server.journal import Journal
from runbooks.server.shelf import Shelf
from runbooks.server.site import Site
from runbooks.server.webhook import Webhook


@dataclass(frozen=True)
class Settings:
    """What the command line says. production: the name of a production target, typed again. chat_env: a variable."""

    where: Listen
    out: Path
    target: Path | None = None
    prometheus: str | None = None
    runbooks: Path | None = None
    mitigate: bool = False
    production: str | None = None
    chat_env: str | None = None


def token(env: str | None, file: Path | None) -> str | None:
    """The token from where the command line says it is. Raises InputError when it isn't there."""
    if env is not None and file is not None:
        raise InputError("the token is either in --token-env or in --token-file")
    return Secret(env=env, file=file).read() if env is not None or file is not None else None


async def serve(settings: Settings) -> None:
    """Serve until cancelled, saying on standard error where, what is left of earlier, and what is in place at the end.

    Raises:
        InputError, GuardError: nothing was started. NeedError: the folder or the address can't be used.
    """
    desk = None
    try:
        async with running(settings) as (url, desk):
            _say(f"incidents             {url}/", f"Alertmanager's webhook {url}/alertmanager")
            await asyncio.Event().wait()
    finally:
        for incident in desk.open if desk is not None else ():
            if incident.state is State.INTERRUPTED:
                _say(f"{incident.name}: {incident.note}")


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[str, Desk]]:
    """The server while the block lasts: its URL, and what it knows. Raises as `serve`."""
    target = read_target(settings.target) if settings.target is not None else None
    if settings.mitigate and target is None:
        raise InputError("to act on a platform, say which: add --target FILE")
    if settings.runbooks is not None and not settings.runbooks.is_dir():
        raise InputError(f"{settings.runbooks} is not a folder")
    guard = _guard(target, settings)
    url = settings.prometheus or (target.prometheus_url if target is not None else None)
    if url is None:
        raise InputError("a diagnosis asks Prometheus; name it with --prometheus URL, or in the target")
    if target is not None:
        guard.check_url(url, "--prometheus")
    _folder(settings.out)
    async with AsyncExitStack() as stack:
        prometheus = await stack.enter_async_context(Prometheus(url))
        site = _site(prometheus, guard, target, settings.mitigate)
        gauges = Gauges()
        journal = Journal(settings.out, gauges.alert)
        stack.callback(journal.close)
        chat = Chat.of_env(settings.chat_env) if settings.chat_env is not None else None
        tell = chat.tell if chat is not None else lambda incident: None
        shelf = Shelf(settings.runbooks)
        for error in shelf.broken():
            _say(f"not used: {error}")
        desk = Desk(settings.out, site, shelf, journal, tell, gauges.mitigation, gauges.steps.event)
        if chat is not None:
            stack.push_async_callback(chat.close)
        stack.push_async_callback(desk.stop)
        for left in desk.resume():
            _say(f"left unfinished: {left}")
        served = await stack.enter_async_context(Webhook(settings.where, desk, journal, gauges).serve())
        if not settings.where.is_loopback and settings.where.tls is None:
            _say("without --tls-cert, the token goes over the network as it is")
        yield served, desk


def _guard(target: Target | None, settings: Settings) -> Guard:
    """Production's name is wanted again by those who act; who only looks may look at production."""
    if target is None:
        return Guard(())
    return Guard.of(target, settings.production if settings.mitigate else target.name)


def _site(prometheus: Prometheus, guard: Guard, target: Target | None, mitigate: bool) -> Site:
    async def query(promql: str) -> list[float]:
        return [sample.value for sample in await prometheus.query(promql)]

    return Site(query, guard, target, mitigate, lambda: mark_headers(target) if target is not None else {})


def _folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NeedError(f"{out} can't be made: {error.strerror}; choose another folder with --out") from None


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201
