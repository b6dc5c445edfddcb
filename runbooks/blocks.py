"""Block: the text inside a step's fence, read into the fields of its kind.

Variables are not known yet; to see whether what they stand in is well formed, a stand-in takes their place.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

import promql_parser

from flashcrowd.template import fill, names

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_HEADER = re.compile(r"([A-Za-z0-9-]+):[ \t]*(.*)")


class BlockError(ValueError):
    """A block is wrong. offset: its line inside the block, from 0."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


def read_block(kind: str, text: str) -> dict[str, Any]:
    """The fields that a block of this kind gives.

    Raises:
        BlockError: it is empty or malformed.
    """
    if not text.strip():
        raise BlockError("the block is empty" + ("; say what is waited for" if kind == "wait" else ""))
    return _READERS[kind](text.strip("\n"))


def _promql(text: str) -> dict[str, Any]:
    _refuse_labels(text)
    try:
        promql_parser.parse(_filled(text, "1m"))
    except ValueError as error:
        raise BlockError(f"is not PromQL: {error}") from None
    return {"query": text}


def _http(text: str) -> dict[str, Any]:
    _refuse_labels(text)
    first, *rest = text.split("\n")
    method, _, url = first.partition(" ")
    if method not in METHODS:
        raise BlockError(f"'{method}' is no HTTP method; begin with one of {', '.join(METHODS)} and a URL")
    if not re.match(r"(https?://|\$\{)\S+$", url.strip()):
        raise BlockError(f"'{url.strip()}' is no URL; write http://... or ${{COMPONENT.admin}}/...")
    headers = _headers(rest)
    body = "\n".join(rest[len(headers) :]).strip("\n")
    if body.startswith(("{", "[")):
        _check_json(body, offset=1 + len(headers))
    return {"method": method, "url": url.strip(), "headers": tuple(headers), "body": body}


def _headers(lines: list[str]) -> list[tuple[str, str]]:
    """The `Name: value` lines at the beginning; an empty line, or one of another form, ends them."""
    found = []
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            break
        found.append((match[1], match[2]))
    return found


def _check_json(body: str, offset: int) -> None:
    try:
        json.loads(_filled(body, "1"))
    except ValueError as error:
        raise BlockError(f"the body is not JSON: {error}", offset) from None


def _sh(text: str) -> dict[str, Any]:
    for offset, line in enumerate(text.split("\n")):
        for name in names(line):
            if "." in name:
                raise BlockError(f"${{{name}}} means nothing to sh; write ${{{environment_name(name)}}}", offset)
    return {"script": text}


def _said(text: str) -> dict[str, Any]:
    return {"text": text}


_READERS = {"promql": _promql, "http": _http, "sh": _sh, "wait": _said, "manual": _said}


def environment_name(variable: str) -> str:
    """What a variable is called in the environment of sh steps: `shop.admin` → `SHOP_ADMIN`."""
    if variable.startswith("alert."):
        return f"ALERT_LABEL_{_word(variable.removeprefix('alert.'))}"
    return _word(variable).upper()


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def _refuse_labels(text: str) -> None:
    """Labels come from whoever can raise an alert: they are data for a process, never part of a query or request."""
    for name in names(text):
        if name.startswith("alert."):
            raise BlockError(
                f"${{{name}}}: alert labels reach sh steps alone, in the environment as {environment_name(name)}"
            )


def _filled(text: str, stand_in: str) -> str:
    return fill(text, defaultdict(lambda: stand_in))
