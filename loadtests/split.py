"""Split: over how many processes a crowd is spread, and from which addresses it connects.

Three limits of a machine decide: its cores, the files that one process may have open (each viewer is a socket), and the
ports of one pair of addresses. `ulimit -n` can't be passed, so a larger crowd takes more processes; ports are as many
again from each further source address.
"""

from __future__ import annotations

import ipaddress
import math
import os
import resource
from collections.abc import Sequence
from pathlib import Path

VIEWERS_PER_WORKER = 2_500
"""Up to so many viewers one process does without a master. 2,000 of `live-commerce` use an eighth of a core, and a sale
that they rush makes it late by less than 0.1 s; 5,000 who rush at once make it late by more than a second. A master
costs another process, and a second's delay of every figure."""

SPARE = 300
"""Files of a process that are no viewers: logs, libraries, the master, the history."""

RUSH = 1_700
"""Files kept free for orders under way, beside the viewers. The rest of a rush waits for a connection, and is timed."""

FEWEST = 100
"""Connections to a shop that are tried in any case."""

_PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def open_files() -> int:
    """Files that a process of ours may open: the hard limit, to which each child raises its own."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def workers_for(viewers: int, cores: int, files: int, sockets: int = 1) -> int:
    """Processes for so many viewers.

    sockets: that one viewer holds. As many as there are cores, once one process is not enough, and more where the files
    ask for it: the crowd must fit into them, and into one fewer, because the others take over from one that is lost.
    """
    most = max(1, (files - SPARE - RUSH) // sockets)
    wanted = max(min(cores, math.ceil(viewers / VIEWERS_PER_WORKER)), math.ceil(viewers / most), 1)
    while wanted > 1 and math.ceil(viewers / (wanted - 1)) > max(1, (files - SPARE) // sockets):
        wanted += 1
    return wanted


def ports() -> int:
    """Ports that the kernel gives to outgoing connections, for each pair of addresses."""
    try:
        low, high = (int(part) for part in _PORT_RANGE.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return 16_384  # what IANA has set apart, and other systems use: 49152 to 65535
    return high - low + 1


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def loopback_sources(worker: int, viewers: int, ports: int) -> tuple[str, ...]:
    """Source addresses of one worker for a target on this machine, no other worker's: 127.64.0.1 and onwards.

    Linux lets the whole of 127.0.0.0/8 be used without setting it up. One address for each half of the ports: the
    other half is for connections that were closed and whose ports the kernel keeps for a minute (TIME_WAIT).
    """
    needed = max(1, math.ceil(viewers / (ports // 2)))
    base = int(ipaddress.IPv4Address("127.64.0.0")) + worker * 64
    return tuple(str(ipaddress.IPv4Address(base + 1 + number)) for number in range(min(needed, 62)))


def too_many(viewers: int, sources: Sequence[str], ports: int) -> str | None:
    """Why these source addresses are too few for a target on another machine; None when they do."""
    room = max(1, len(sources)) * ports
    if viewers <= room:
        return None
    wanted = math.ceil(viewers / ports)
    return (
        f"{viewers} viewers need {wanted} source addresses, as the kernel has {ports} ports for each; "
        f"list {wanted} of this machine's in spec.connect_from, or share the crowd out over more machines"
    )
