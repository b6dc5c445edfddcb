"""Guard: what of a target may be touched, and by how much. It is asked before the first packet.

One guard serves load, faults and mitigations alike. An address is allowed when its host is listed in `allow_hosts`,
or when every address that the host resolves to is (networks such as `10.0.0.0/8` may be listed).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from flashcrowd.errors import GuardError
from flashcrowd.target import Target

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Guard:
    """The limits of one target.

    allow_hosts: names, addresses or networks. max_viewers: None is no limit.
    """

    def __init__(self, allow_hosts: Iterable[str], max_viewers: int | None = None, file: str = "target") -> None:
        self._hosts = {host.lower() for host in allow_hosts}
        self._networks = [network for host in self._hosts if (network := _network(host)) is not None]
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
        host = urlsplit(url).hostname
        if host is None:
            raise GuardError(f"{what}: {url} names no host")
        self.check_host(host, what)

    def check_host(self, host: str, what: str = "the address") -> None:
        """Raise GuardError unless the host, or each address it resolves to, is allowed."""
        if host.lower() in self._hosts:
            return
        outside = [address for address in _resolve(host) if not self._inside(address)]
        if not outside:
            return
        place = f"{host} ({outside[0]})" if outside[0] != host else host
        raise GuardError(f"{what}: {place} is not in allow_hosts of {self._file}; add it there if it may be touched")

    def check_viewers(self, viewers: int) -> None:
        """Raise GuardError when the crowd would be larger than the target allows."""
        if self.max_viewers is not None and viewers > self.max_viewers:
            raise GuardError(f"{viewers} viewers are more than the max_viewers of {self._file} ({self.max_viewers})")

    def _inside(self, address: str) -> bool:
        network = _network(address)
        return network is not None and any(
            network.version == allowed.version and network.network_address in allowed for allowed in self._networks
        )


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _resolve(host: str) -> list[str]:
    """The host's addresses; the host itself where it doesn't resolve, so that it is refused by name."""
    try:
        return sorted({str(row[4][0]) for row in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return [host]
