"""Masking: secrets taken out of whatever is recorded or shown.

A secret is the value of an environment variable whose name looks like one, as it stands or encoded for JSON or a URL,
and the value of a header that carries credentials, also where a program prints it (`curl -v`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

MASK = "***"
SHORTEST = 4
"""Shorter values are left: masking every `1` or `no` would make a record unreadable."""

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|KEY", re.IGNORECASE)
_HEADER = re.compile(r"(?im)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\"?\s*[:=]\s*).+?$")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")


class Masking:
    """What to mask, found in an environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        found = {value for name, value in environment.items() if _SECRET_NAME.search(name) and len(value) >= SHORTEST}
        forms = sorted({form for value in found for form in _forms(value)}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, forms))) if forms else None

    def __call__(self, text: str) -> str:
        """The text without its secrets."""
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        text = _HEADER.sub(rf"\1\2{MASK}", text)
        return _USERINFO.sub(MASK, text)


def _forms(value: str) -> Iterable[str]:
    return value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")


def bounded(text: str, most: int) -> str:
    """The end of a text, where a program says why it failed, in at most this many characters (64 or more)."""
    if len(text) <= most:
        return text
    kept = text[-(most - 48) :]
    return f"[{len(text) - len(kept)} characters left out]\n{kept}"
