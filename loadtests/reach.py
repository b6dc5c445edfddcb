"""Reach: what a process of the load may connect to: the guard before each look-up of a host, and each connection."""

from __future__ import annotations

import socket
import sys
from typing import Any

from flashcrowd.errors import GuardError
from flashcrowd.guard import Guard
from flashcrowd.target import Target
from loadtests.crowd.addresses import Address, Resolve, resolve
from loadtests.crowd.errors import ForbiddenError

LOOPBACK = ("localhost", "127.0.0.0/8", "::1")
"""What a load without a target file may touch."""


def guard_of(target: Target | None) -> Guard:
    """The guard of a load; its viewers are counted elsewhere."""
    if target is None:
        return Guard(LOOPBACK, file="a load without target")
    return Guard(target.spec.allow_hosts, file=target.name)


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


def enforce(guard: Guard) -> None:
    """Refuse every other connection that this process' Python code makes from now on: a scenario may bring clients of
    its own, which follow redirects. There is no way back (`sys.addaudithook`), so this is for processes of a load.
    """

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event != "socket.connect":
            return
        made, address = args
        if made.family in (socket.AF_INET, socket.AF_INET6):
            try:
                guard.check_connection(address[0], "the load")
            except GuardError as error:
                raise ForbiddenError(str(error)) from None

    sys.addaudithook(hook)
