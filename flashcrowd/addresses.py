"""Addresses: URLs and hosts as a target file writes them, well formed before anybody asks whether they are allowed.

A variable may stand in a URL's path and query, and in the credentials where there may be any, but not in its host or
port: what may be touched has to be known before the first packet.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from flashcrowd.template import names


def url_fault(text: str, *schemes: str, credentials: bool = False) -> str | None:
    """What is wrong with a URL of one of these schemes; None if nothing is."""
    if any(character <= " " for character in text):
        return f"'{text}' holds a space or a line break; a URL has none"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        return f"'{text}' is not a URL: {error}"
    userinfo, _, place = parts.netloc.rpartition("@")
    if names(place):
        return f"'{text}' has a variable in its host or port; the guard must know both before the first packet"
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        return f"'{text}' is not a URL of {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if userinfo and not credentials:
        return f"'{parts.scheme}://***@{place}' has credentials in it, which are not sent; write them as a header"
    return None


def host_fault(text: str) -> str | None:
    """What is wrong with an entry of allow_hosts; None if nothing is."""
    if "://" in text:
        return f"'{text}' is a URL; write the host alone, as shop.example"
    if any(character <= " " for character in text) or not text:
        return f"'{text}' is not a host; write a name, an address, or a network as 10.0.0.0/8"
    if _is_network(text):
        return None
    if "/" in text or "*" in text:
        return f"'{text}' is neither a host nor a network; write a name, an address, or a network as 10.0.0.0/8"
    if ":" in text:
        return f"'{text}' has a port; write the host alone: every port of it is allowed"
    return None


def normal(host: str) -> str:
    """A host as it is compared: in lower case, without brackets and the root's dot."""
    return host.strip("[]").lower().rstrip(".")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return False
    return True


def _url(*schemes: str, credentials: bool = False) -> AfterValidator:
    def check(value: str) -> str:
        if (wrong := url_fault(value, *schemes, credentials=credentials)) is not None:
            raise ValueError(wrong)
        return value

    return AfterValidator(check)


def _host(value: str) -> str:
    if (wrong := host_fault(value)) is not None:
        raise ValueError(wrong)
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or any(character <= " " for character in value):
        raise ValueError(f"'{value}' is not a path; begin it with / and leave out spaces")
    return value


def _path_or_url(value: str) -> str:
    wrong = url_fault(value, "http", "https") if "://" in value else None
    if wrong is not None:
        raise ValueError(wrong)
    return value if "://" in value else _path(value)


UrlPath = Annotated[str, AfterValidator(_path)]
PathOrUrl = Annotated[str, AfterValidator(_path_or_url)]
HttpUrl = Annotated[str, _url("http", "https")]
OpenUrl = Annotated[str, _url("http", "https", credentials=True)]
"""One that may carry credentials: http://me:${env.PASSWORD}@host."""
RedisUrl = Annotated[str, _url("redis", "rediss")]
WebSocketUrl = Annotated[str, _url("ws", "wss")]
Host = Annotated[str, AfterValidator(_host)]
