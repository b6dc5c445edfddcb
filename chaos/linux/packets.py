"""Packets: an nftables ruleset of ours, as text for `nft -f -`, and what its counters say.

Everything is in one table `flashcrowd_IDENTITY` of the family `inet`. Its rules match while the set `held` has
elements, and those have a timeout: when it is over, the kernel lets all packets through again, whoever is still there.
Of the packets that a rule is meant for, `seen` counts all and `hit` those that it did its work on.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Hook = Literal["input", "output", "postrouting"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

GRACE = 1.0
"""Seconds after a fault's time at which the kernel ends it: its injector and its reverter come first."""

PRIORITY = -300
"""Before all that is usual in these hooks (its name in nft is `raw`), so that what others drop is counted too."""

HELD = "meta nfproto @held"


@dataclass(frozen=True)
class Rule:
    """What is done (`action`, in nft's words) to the packets of a hook that match.

    ports: those of the component; without any, all packets that aren't on loopback. peers: the networks at the other
    end; without any, all. chance: the share of the packets, between 0 and 1.
    """

    hook: Hook
    action: str
    ports: Sequence[int] = ()
    peers: Sequence[Network] = ()
    chance: float = 1.0

    def lines(self) -> list[str]:
        """The rule for nft: one line, or two where its peers are of both families."""
        chance = f"numgen random mod 1000000 < {round(self.chance * 1e6)} " if self.chance < 1 else ""
        do = f"counter name seen {chance}counter name hit {self.action}"
        return [" ".join(filter(None, [HELD, self._ports(), peers, do])) for peers in self._peers()]

    def _ports(self) -> str:
        near, interface = ("dport", "iifname") if self.hook == "input" else ("sport", "oifname")
        if not self.ports:
            return f'{interface} != "lo"'
        return f"meta l4proto {{ tcp, udp }} th {near} {_set(map(str, sorted(set(self.ports))))}"

    def _peers(self) -> list[str]:
        far = "saddr" if self.hook == "input" else "daddr"
        families = {
            "ip": ipaddress.collapse_addresses(one for one in self.peers if isinstance(one, ipaddress.IPv4Network)),
            "ip6": ipaddress.collapse_addresses(one for one in self.peers if isinstance(one, ipaddress.IPv6Network)),
        }
        texts = {family: [str(one) for one in found] for family, found in families.items()}
        return [f"{family} {far} {_set(found)}" for family, found in texts.items() if found] or [""]


@dataclass(frozen=True)
class Counts:
    """Packets since the fault was put in place."""

    seen: int
    hit: int


def ruleset(table: str, lasts: float, rules: Iterable[Rule]) -> str:
    """What `nft -f -` makes the table from, all at once or not at all. lasts: seconds of the fault."""
    timeout = f"timeout {round((lasts + GRACE) * 1000)}ms"
    lines = [
        f"table inet {table} {{",
        "  counter seen { }",
        "  counter hit { }",
        f"  set held {{ type nf_proto; flags timeout; elements = {{ ipv4 {timeout}, ipv6 {timeout} }}; }}",
    ]
    for rule in rules:
        head = f"type filter hook {rule.hook} priority {PRIORITY}; policy accept;"
        lines += [f"  chain {rule.hook} {{", f"    {head}", *(f"    {line}" for line in rule.lines()), "  }"]
    return "\n".join([*lines, "}", ""])


def removal(table: str) -> str:
    """The nft command that removes a table, whether it is there or not."""
    return f"add table inet {table}; delete table inet {table}"


def counts(listing: str) -> Counts:
    """What `nft -j list counters` says."""
    found = {one["counter"]["name"]: one["counter"]["packets"] for one in _objects(listing) if "counter" in one}
    return Counts(seen=found.get("seen", 0), hit=found.get("hit", 0))


def has_table(listing: str, table: str) -> bool:
    """Whether `nft -j list tables` tells of a table."""
    return any(one["table"]["name"] == table for one in _objects(listing) if "table" in one)


def _objects(listing: str) -> list[dict[str, dict[str, Any]]]:
    found: list[dict[str, dict[str, Any]]] = json.loads(listing)["nftables"]
    return found


def _set(elements: Iterable[str]) -> str:
    return f"{{ {', '.join(elements)} }}"
