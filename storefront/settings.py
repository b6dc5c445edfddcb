"""Settings of a service: a frozen dataclass whose fields are read from environment variables.

`--bug NAME` on the command line plants one of `BUGS`, by setting `STOREFRONT_BUG`.
"""

import argparse
import math
import sys
from collections.abc import Callable
from dataclasses import field, fields
from os import environ
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

Settings = TypeVar("Settings")
BUGS = ("oversell", "lost-order", "duplicate-on-retry", "limit-ignored", "forbidden-phrase", "winner-twice")


def variable(name: str, parse: Callable[[str], Any], default: str | None = None) -> Any:
    """A dataclass field read from the variable `name`; `parse` raises ValueError saying what is expected."""
    return field(metadata={"name": name, "parse": parse, "default": default})


def read(kind: type[Settings]) -> Settings:
    """The settings of `kind`, or one sentence on stderr and exit 2."""
    arguments = argparse.ArgumentParser(allow_abbrev=False)
    arguments.add_argument("--bug", choices=BUGS, default=environ.get("STOREFRONT_BUG", ""))
    environ["STOREFRONT_BUG"] = arguments.parse_args().bug
    try:
        values = {item.name: _value(**item.metadata) for item in fields(cast(Any, kind))}
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    return kind(**values)


def _value(name: str, parse: Callable[[str], Any], default: str | None) -> Any:
    text = environ.get(name, default)
    if text is None:
        raise ValueError(f"{name} is not set; set it to {parse.__doc__}")
    try:
        return parse(text)
    except ValueError:
        raise ValueError(f"{name}={text!r} is wrong; set it to {parse.__doc__}") from None


def port(text: str) -> int:
    """a port between 1 and 65535"""
    return _within(int(text), 1, 65535)


def seconds(text: str) -> float:
    """a number of seconds above 0"""
    value = float(text)
    if not math.isfinite(value) or value <= 0:
        raise ValueError
    return value


def count(text: str) -> int:
    """a whole number, 0 or more"""
    return _within(int(text), 0, sys.maxsize)


def bug(text: str) -> str:
    """one of the planted bugs that `--help` lists, or to nothing"""
    if text and text not in BUGS:
        raise ValueError
    return text


def path(text: str) -> str:
    """a path of a file"""
    if not text:
        raise ValueError
    return text


def http_url(text: str) -> str:
    """an address such as http://127.0.0.1:7005"""
    return _address(text, "http")


def tcp_address(text: str) -> str:
    """an address such as tcp://127.0.0.1:7010"""
    return _address(text, "tcp")


def _within(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ValueError
    return value


def _address(text: str, scheme: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != scheme or not parts.hostname or not parts.port:
        raise ValueError
    return text.rstrip("/")
