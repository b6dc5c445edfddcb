"""Fingerprint: a short name for what something says, the same on every machine and in every version of Python."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field

LENGTH = 12
"""Hex digits: 48 bits, so that among a million pages two are the same with a chance of 1 in 560."""

Fingerprint = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{LENGTH}}}$")]
"""A pydantic field."""


def fingerprint(value: Any) -> str:
    """The first digits of the SHA-256 of a JSON value; the order of a mapping's keys doesn't count.

    Raises:
        TypeError, ValueError: it isn't JSON (a path, a NaN).
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
