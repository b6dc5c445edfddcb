"""Reach: what the viewers of a process may connect to: the guard before every look-up of a host."""

from __future__ import annotations

from flashcrowd.errors import GuardError
from flashcrowd.guard import Guard
from loadtests.crowd.addresses import Address, Resolve, resolve
from loadtests.crowd.errors import ForbiddenError


def guarded(guard: Guard) -> Resolve:
    """Look-ups that the guard has checked: connections go to these very addresses, whatever a name means later."""

    def look_up(host: str, port: int) -> list[Address]:
        found = resolve(host, port)
        try:
            guard.check_addresses(host, [address[0] for _, address in found], "the load")
        except GuardError as error:
            raise ForbiddenError(str(error)) from None
        return found

    return look_up
