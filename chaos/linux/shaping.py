"""Shaping: a queue of ours on an interface, which the packets that a rule sends there leave at a given rate.

It is an HTB (tc-htb(8)) whose packets go straight through, but for those in its one class; and only our nft rule puts
them there. So when the elements of that rule's set time out, the kernel lets everything through again, which no other
way to shape traffic does by itself: a TBF (tc-tbf(8)) shapes all that goes through its interface until it is removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

QUEUE_SECONDS = 0.4
QUEUE_PACKETS = 10
"""How much waits before it is dropped, whichever is more: what a home router holds, and no less than some packets."""

DEFAULT = "0:"
"""The handle of a queue that the kernel has put on an interface by itself."""

QUANTUM = 65_536
"""Bytes; of no effect with one class, but without it the kernel complains of rates below 1 Mbit."""


@dataclass(frozen=True)
class Queue:
    """What an interface has at its root."""

    interface: str
    kind: str
    handle: str


def handle(identity: str) -> str:
    """The handle of a fault's own queue: from 1: to 7fff:, as the kernel gives away those above by itself."""
    return f"{int(identity[-4:], 16) & 0x7FFF or 1:x}:"


def shape(interface: str, own: str, rate: float, mtu: int) -> str:
    """What `tc -batch -` makes the queue from. rate: bits per second; mtu: bytes."""
    limit = round(max(rate / 8 * QUEUE_SECONDS, mtu * QUEUE_PACKETS))
    bits = f"{round(rate)}bit"
    return "\n".join(
        [
            f"qdisc add dev {interface} root handle {own} htb default 0",
            f"class add dev {interface} parent {own} classid {own}1 htb rate {bits} ceil {bits} quantum {QUANTUM}",
            f"qdisc add dev {interface} parent {own}1 bfifo limit {limit}",
            "",
        ]
    )


def roots(listing: str) -> list[Queue]:
    """What `tc -j qdisc show` has at the root of each interface."""
    return [Queue(one["dev"], one["kind"], one["handle"]) for one in _rows(listing) if one.get("root")]


def held_back(listing: str, own: str) -> int:
    """How often a packet had to wait or was dropped, from `tc -s -j qdisc show`."""
    return sum(int(one["overlimits"]) + int(one["drops"]) for one in _rows(listing) if one["handle"] == own)


def mtu(listing: str) -> int:
    """Bytes of the largest packet, from `ip -j link show dev`."""
    return int(_rows(listing)[0]["mtu"])


def _rows(listing: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(listing or "[]")
    return found
