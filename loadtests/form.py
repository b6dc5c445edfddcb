"""Form: a request of the target file, put together once, so that each viewer only fills in its own values.

Filling templates text by text costs as much as the request itself. A form knows which of its places are the same for
everybody (the run, the environment), and how a value must be written where it stands: in a path, a header or JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any
from urllib.parse import quote

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError
from flashcrowd.target import HttpRequest
from flashcrowd.template import split

Escape = Callable[[str], str]
_WITH_BODY = ("POST", "PUT", "PATCH")


class Form:
    """A request to one server.

    host: its Host header. mark: headers of every request; the request's own replace them. constant: the values that
    are the same in all requests. Escapes as `fill_path` and `fill_json` do; a header is refused that would be two.
    """

    def __init__(self, request: HttpRequest, host: str, mark: Mapping[str, str], constant: Mapping[str, str]) -> None:
        self.method = request.method
        body = body_template(request.body)
        headers = {**mark, **request.headers}
        if body and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
        head = _Text(constant)
        head.add(f"{request.method} ", None)
        head.add(request.path, _in_path)
        head.add(f" HTTP/1.1\r\nHost: {host}", None)
        for name, value in headers.items():
            head.add(f"\r\n{name}: ", None)
            head.add(value, _in_header)
        self._head, self._body = head, _Text(constant)
        self._body.add(body, _in_json)
        self._sized = bool(body) or request.method in _WITH_BODY

    def write(self, values: Mapping[str, str], identity: Mapping[str, str]) -> bytes:
        """The request's bytes.

        Raises:
            InputError: a variable that neither the values nor the identity have.
            ValueError: a header would hold a line break.
        """
        head, body = self._head.fill(values, identity), self._body.fill(values, identity).encode()
        if self._sized:
            head = f"{head}\r\nContent-Length: {len(body)}"
        return head.encode("latin-1", "replace") + b"\r\n\r\n" + body


class _Text:
    """Text with places: parts of which some are replaced each time."""

    def __init__(self, constant: Mapping[str, str]) -> None:
        self._constant = constant
        self._parts = list[str]()
        self._places = list[tuple[int, str, Escape]]()

    def add(self, template: str, escape: Escape | None) -> None:
        """More of it. Without `escape` it is no template, but text as it is."""
        if escape is None:
            self._parts.append(template)
            return
        for literal, name in split(template):
            self._parts.append(literal)
            if name is None:
                continue
            if name in self._constant:
                self._parts.append(escape(self._constant[name]))
            else:
                self._places.append((len(self._parts), name, escape))
                self._parts.append("")

    def fill(self, values: Mapping[str, str], identity: Mapping[str, str]) -> str:
        parts = self._parts
        for place, name, escape in self._places:
            value = values.get(name)
            if value is None and (value := identity.get(name)) is None:
                known = [*self._constant, *values, *identity]
                raise InputError(f"no variable ${{{name}}}{did_you_mean(name, known)}")
            parts[place] = escape(value)
        return "".join(parts)


def body_template(body: Any) -> str:
    """A request's JSON as a template; a value that is `${quantity}` alone becomes a number. Empty without a body."""
    return "" if body is None else json.dumps(body).replace('"${quantity}"', "${quantity}")


_LINE_BREAK = re.compile("[\r\n]").search


def _in_header(value: str) -> str:
    if _LINE_BREAK(value):
        raise ValueError("a header would hold a line break; a target file's variable brought it")
    return value


def _in_json(value: str) -> str:
    return encode_basestring_ascii(value)[1:-1]


def _in_path(value: str) -> str:
    return quote(value, safe="")
