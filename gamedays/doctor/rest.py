"""Rest: the parts of a target of which doctor asks less: stream, draw, behaviour events, and what faults may touch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import httpx

from chaos.catalogue import catalogue
from chaos.clients.toxiproxy import Toxiproxy
from chaos.faults import KINDS
from flashcrowd.client import guarded_client
from flashcrowd.dial import connected, pinned, place_of, reason
from flashcrowd.errors import FlashcrowdError
from flashcrowd.guard import Guard
from flashcrowd.target import Component, Target
from gamedays.doctor.row import Row
from loadtests.identities import Identity
from loadtests.variables import Variables, fill_path, traceparent

PATIENCE = 5.0
"""Seconds for an answer."""


async def stream(target: Target, guard: Guard, variables: Variables, person: Identity, room: str) -> list[Row]:
    """The room's playlist, which every player asks for first."""
    spec = target.spec.stream
    if spec is None:
        return []
    values = variables.of(person, room=room, traceparent=traceparent())
    url = fill_path(spec.playlist, values)
    async with guarded_client(guard, "spec.stream.playlist", PATIENCE) as client:
        try:
            answer = await client.get(url, headers=variables.headers(spec.headers, values))
        except (httpx.HTTPError, FlashcrowdError) as error:
            return [Row("stream", f"no playlist: {str(error) or type(error).__name__}", "mend spec.stream.playlist")]
    if not answer.is_success:
        return [Row("stream", f"the playlist of {room} was answered with {answer.status_code}", "mend spec.stream")]
    if not answer.text.startswith("#EXTM3U"):
        return [Row("stream", "what answers is no HLS playlist", "mend spec.stream.playlist")]
    return [Row("stream", f"has a playlist of {room}")]


async def listening(target: Target, guard: Guard) -> list[Row]:
    """Draw and behaviour events: whether somebody is there. To ask more would enter somebody, or store an event."""
    parts = {"draw": target.spec.draw, "events": target.spec.events}
    return [await _listens(name, part.url, guard) for name, part in parts.items() if part is not None]


async def _listens(name: str, url: str, guard: Guard) -> Row:
    host, port = place_of(url)
    try:
        await connected(guard, host, port, f"spec.{name}.url")
    except OSError as error:
        return Row(
            name, f"nobody answers at {host}:{port}: {reason(error)}", f"see that it runs, or mend spec.{name}.url"
        )
    except FlashcrowdError as error:
        return Row(name, "is not allowed", str(error))
    return Row(name, "takes connections")


async def faults(target: Target, guard: Guard) -> list[Row]:
    """Which kinds of faults can work on each component."""
    return [row for name, part in target.spec.components.items() for row in await _component(name, part, guard)]


async def _component(name: str, part: Component, guard: Guard) -> list[Row]:
    reasons = {kind.name: kind.cannot(name, part) for kind in catalogue()}
    can = ", ".join(_together(kind for kind, why in reasons.items() if why is None)) or "none can be injected"
    rows = [Row("faults", " · ".join([f"{name}: {can}", *_cannot(name, reasons)]))]
    if part.link is not None and (wrong := await _link_fault(name, part, guard)) is not None:
        rows.append(Row("faults", f"{name}: the link's proxy can't be used", wrong))
    return rows


def _cannot(name: str, reasons: dict[str, str | None]) -> Iterator[str]:
    """Each reason once, without its remedy: `no link`, which stands for all kinds that need one."""
    found = [why.partition(";")[0].removeprefix(f"{name} ").removeprefix("has ") for why in reasons.values() if why]
    lacks = [why for why in dict.fromkeys(found) if why.startswith("no ")]
    if lacks:
        yield ", ".join(lacks)
    yield from (why for why in dict.fromkeys(found) if why not in lacks)


def _together(kinds: Iterable[str]) -> Iterator[str]:
    """By families: `process.*`, or `network.{down,reset}` where not all of them are among the kinds."""
    left = set(kinds)
    for family, members in groupby(sorted(KINDS), lambda kind: kind.partition(".")[0]):
        all_of_them = list(members)
        some = [kind for kind in all_of_them if kind in left]
        if len(all_of_them) > 1 and some == all_of_them:
            yield f"{family}.*"
        elif len(some) > 1:
            yield f"{family}.{{{','.join(kind.partition('.')[2] for kind in some)}}}"
        else:
            yield from some


async def _link_fault(name: str, part: Component, guard: Guard) -> str | None:
    assert part.link is not None
    try:
        url = await pinned(guard, part.link.toxiproxy, f"components.{name}.link.toxiproxy")
        await Toxiproxy(url).listener(part.link.proxy)
    except FlashcrowdError as error:
        return str(error)
    return None
