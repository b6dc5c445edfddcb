"""Sources: the addresses of ours from which connections are made, in turn.

A port is used once for each pair of source and destination address, and the kernel has less than 64k of them. With
several sources there are as many again from each. The kernel chooses the port when it knows the destination
(IP_BIND_ADDRESS_NO_PORT, ip(7)), so that two destinations may share one.
"""

from __future__ import annotations

import _socket
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle
from socket import AF_INET, AF_INET6, SOCK_STREAM

_BIND_ADDRESS_NO_PORT = 24
"""Of linux/in.h, which the socket module doesn't name."""

_IPPROTO_IP = 0
_LINUX = sys.platform == "linux"


class Sources:
    """The addresses of one process.

    loopback: for targets on this machine; used on Linux, where all of 127.0.0.0/8 is there. others: for all other
    targets; without them the kernel chooses.
    """

    def __init__(self, loopback: Sequence[str] = (), others: Sequence[str] = ()) -> None:
        self._loopback = _turns(loopback) if _LINUX else None
        self._others = {family: _turns([one for one in others if _family(one) == family]) for family in _FAMILIES}

    def bind(self, made: _socket.socket, family: int, host: str) -> None:
        """Give a socket the next address for this destination. Raises OSError when it isn't one of this machine's."""
        turns = self._loopback if family == AF_INET and host.startswith("127.") else self._others.get(int(family))
        if turns is not None:
            if _LINUX:
                made.setsockopt(_IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
            made.bind((next(turns), 0))


def missing(addresses: Sequence[str]) -> str | None:
    """The first address that this machine doesn't have, or None."""
    for address in addresses:
        probe = _socket.socket(_family(address), SOCK_STREAM)
        try:
            probe.bind((address, 0))
        except OSError:
            return address
        finally:
            probe.close()
    return None


_FAMILIES = (int(AF_INET), int(AF_INET6))


def _family(address: str) -> int:
    return int(AF_INET6 if ":" in address else AF_INET)


def _turns(addresses: Sequence[str]) -> Iterator[str] | None:
    return cycle(addresses) if addresses else None
