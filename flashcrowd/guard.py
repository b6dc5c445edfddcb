"""Guard: what of a target may be touched, and by how much. It is asked before the first packet.

One guard serves load, faults and mitigations alike. A host is allowed when its name is listed in `allow_hosts`: then
whatever the name resolves to is; or when every address that it resolves to is (networks such as `10.0.0.0/8` may be
listed). Whoever connects looks a host up through the guard and connects to the very addresses that it has checked, so
that a name that means another address a moment later leads nowhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from flashcrowd.addresses import normal
from flashcrowd.errors import GuardError
from flashcrowd.target import Target

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Guard:
    """The limits of one target.

    allow_hosts: names, addresses or networks. max_viewers: None is no limit.
    """

    def __init__(self, allow_hosts: Iterable[str], max_viewers: int | None = None, file: str = "target") -> None:
        self._hosts = {normal(host) for host in allow_hosts}
        self._networks = [network for host in self._hosts if (network := _network(host)) is not None]
        self._meant = set[str]()
        self.max_viewers, self._file = max_viewers, file

    @classmethod
    def of(cls, target: Target, allow_production: str | None = None) -> Guard:
        """The guard of a target file, after a look at the whole file.

        Raises:
            GuardError: an address outside of allow_hosts, or production without its name typed again.
        """
        spec = target.spec
        guard = cls(spec.allow_hosts, spec.max_viewers, target.name)
        if spec.environment == "production" and allow_production != target.name:
            raise GuardError(f"{target.name} is production; to go on, add --allow-production {target.name}")
        for path, url in target.addresses().items():
            guard.check_url(url, path)
        return guard

    def check_url(self, url: str, what: str = "the address") -> None:
        """Raise GuardError unless the URL's host is allowed."""
        self.check_host(_host(url, what), what)

    def check_host(self, host: str, what: str = "the address") -> None:
        """Raise GuardError unless the host, or each address it resolves to, is allowed."""
        if normal(host) not in self._hosts:
            self.check_addresses(host, _resolve(host), what)

    def check_addresses(self, host: str, addresses: Iterable[str], what: str = "the address") -> None:
        """Raise GuardError unless the host may be connected to at these addresses, to which it was resolved."""
        if normal(host) in self._hosts:
            self._meant.update(addresses)
            return
        outside = [address for address in addresses if not self._inside(address)]
        if outside:
            raise self._refusal(f"{host} ({outside[0]})" if outside[0] != host else host, what)

    def check_connection(self, address: str, what: str = "the connection") -> None:
        """Raise GuardError unless the address is allowed, or one that a listed name means or has meant."""
        if self._inside(address) or address in self._meant:
            return
        self._meant.update(found for name in self._hosts if _network(name) is None for found in _resolve(name))
        if address not in self._meant:
            raise GuardError(
                f"{what}: {address} is not in allow_hosts of {self._file}; add it there if it may be touched"
            )

    def look_up(self, host: str, what: str = "the address") -> Sequence[str]:
        """The host's addresses, all of them allowed: who connects to one of these touches what was checked.

        Raises:
            GuardError: one of them isn't allowed, or the host is unknown and isn't listed.
        """
        addresses = _resolve(host)
        self.check_addresses(host, addresses, what)
        return addresses

    def check_viewers(self, viewers: int) -> None:
        """Raise GuardError when the crowd would be larger than the target allows."""
        if self.max_viewers is not None and viewers > self.max_viewers:
            raise GuardError(f"{viewers} viewers are more than the max_viewers of {self._file} ({self.max_viewers})")

    def _refusal(self, place: str, what: str) -> GuardError:
        return GuardError(f"{what}: {place} is not in allow_hosts of {self._file}; add it there if it may be touched")

    def _inside(self, address: str) -> bool:
        one = _address(address)
        return one is not None and any(one.version == allowed.version and one in allowed for allowed in self._networks)


def _host(url: str, what: str) -> str:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if host is None:
        raise GuardError(f"{what}: {url} names no host")
    return host


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address; the IPv4 one that an IPv6 address stands for (::ffff:10.0.0.1), as packets go there."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _resolve(host: str) -> list[str]:
    """The host's addresses, in the system's order; the host itself where it doesn't resolve, to be refused by name."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return [host]
    return list(dict.fromkeys(str(row[4][0]) for row in found))
