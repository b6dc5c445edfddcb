"""Masking: secrets taken out of whatever is recorded or shown.

A secret is the value of an environment variable whose name looks like one, and whatever a target file takes from the
environment or from a file (`learn`); as it stands, or encoded for JSON or a URL. So is the value of a header that
carries credentials, also where a program prints it (`curl -v`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

MASK = "***"
SHORTEST = 4
"""Shorter values are left: masking every `1` or `no` would make a record unreadable."""

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|KEY", re.IGNORECASE)
_HEADER = re.compile(r"(?im)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\"?\s*[:=]\s*).+?$")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_learned = set[str]()


class Masking:
    """What to mask, found in an environment, and all that this process has learned to be secret."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._found = {value for name, value in environment.items() if _SECRET_NAME.search(name)}
        self._secrets: re.Pattern[str] | None = None
        self._known = -1

    def __call__(self, text: str) -> str:
        """The text without its secrets."""
        text = _HEADER.sub(rf"\1\2{MASK}", self.values(text))
        return _USERINFO.sub(MASK, text)

    def values(self, text: str) -> str:
        """The text without the values that are known to be secret; headers and URLs are left as they are."""
        if self._known != len(_learned):
            self._known, self._secrets = len(_learned), _pattern(self._found | _learned)
        return text if self._secrets is None else self._secrets.sub(MASK, text)

    def within(self, node: Any) -> Any:
        """The same of every text in a tree of JSON values."""
        if isinstance(node, str):
            return self.values(node)
        if isinstance(node, Mapping):
            return {key: self.within(value) for key, value in node.items()}
        return [self.within(item) for item in node] if isinstance(node, list | tuple) else node


def learn(values: Iterable[str]) -> None:
    """Remember these as secrets, for every Masking of this process."""
    _learned.update(value for value in values if len(value) >= SHORTEST)


@cache
def of_process() -> Masking:
    """The masking of this process, its environment being that of the first call."""
    return Masking(os.environ)


def bounded(text: str, most: int) -> str:
    """The end of a text, where a program says why it failed, in at most this many characters (64 or more)."""
    if len(text) <= most:
        return text
    kept = text[-(most - 48) :]
    return f"[{len(text) - len(kept)} characters left out]\n{kept}"


def _pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    """The longest first: a secret may be the beginning of another one."""
    forms = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
    return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True)))) if forms else None


def _forms(value: str) -> Iterable[str]:
    return value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")
