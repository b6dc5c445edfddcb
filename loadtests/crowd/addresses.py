"""Addresses: the network addresses of a host, as sockets take them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from socket import AF_INET, SOCK_STREAM
from typing import Any

Address = tuple[int, tuple[Any, ...]]
"""Address family, and the socket address of it."""

Resolve = Callable[[str, int], list[Address]]
"""Host and port in, addresses out, in the order in which to try them. Raises OSError for an unknown host."""


def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host, in getaddrinfo's order; figures need no lookup. Raises OSError for an unknown name."""
    try:
        socket.inet_pton(AF_INET, host)
    except (OSError, ValueError):
        try:
            found = socket.getaddrinfo(host, port, type=SOCK_STREAM)
        except UnicodeError:
            raise OSError(f"{host} can't be the name of a host") from None
        return [(family, address) for family, _, _, _, address in found]
    return [(AF_INET, (host, port))]
