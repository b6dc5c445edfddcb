"""Reachable: whether somebody listens where a target file says, asked before the first viewer comes."""

from __future__ import annotations

import asyncio

from flashcrowd.dial import connected, place_of, reason
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Target

PARTS = ("live", "shop", "draw", "stream", "events")
"""The parts of a target that viewers connect to."""


async def reachable(target: Target, guard: Guard) -> None:
    """Return when each part that viewers connect to takes a connection.

    Raises:
        NeedError: some don't; names all of them, and what to do.
        GuardError: one means an address that isn't allowed.
    """
    asked = {path: url for path, url in target.addresses().items() if path.split(".")[1] in PARTS}
    places = dict[tuple[str, int], str]()
    for path, url in asked.items():
        places.setdefault(place_of(url), f"{path} ({url})")
    answers = await asyncio.gather(*(_refusal(guard, *place, what) for place, what in places.items()))
    if silent := [answer for answer in answers if answer is not None]:
        remedy = "start the platform, or mend the address; 'flashcrowd doctor FILE' tries each part of the target"
        raise NeedError("\n".join([*silent, remedy]))


async def _refusal(guard: Guard, host: str, port: int, what: str) -> str | None:
    try:
        await connected(guard, host, port, what)
    except OSError as error:
        return f"{what}: nobody answers at {host}:{port}: {reason(error)}"
    return None
