"""Mark: what tells the crowd's requests from customers' ones (traffic colouring), on those of admin paths as well."""

from __future__ import annotations

import random
from collections.abc import Mapping

from flashcrowd.secret import variables
from flashcrowd.target import Target
from flashcrowd.template import fill

_numbers = random.Random()
"""Seeded by the system, whatever the load's seed is: two runs must not have the same traces."""

UNNAMED = "flashcrowd"
"""The `${run}` of requests that belong to none: doctor's, and those before there is a run directory."""


def mark_headers(target: Target, run: str = "") -> dict[str, str]:
    """The mark of one request that isn't a viewer's, with a trace context of its own."""
    return _filled(target, target.spec.mark.headers, run)


def admin_headers(target: Target, run: str = "") -> dict[str, str]:
    """The mark, and what the target's admin paths want besides (`admin.headers`): sales, draws, ledgers."""
    return _filled(target, {**target.spec.mark.headers, **target.spec.admin.headers}, run)


def traceparent() -> str:
    """A fresh W3C trace context, sampled (https://www.w3.org/TR/trace-context/#traceparent-header)."""
    return f"00-{_numbers.getrandbits(128):032x}-{_numbers.getrandbits(64):016x}-01"


def _filled(target: Target, headers: Mapping[str, str], run: str) -> dict[str, str]:
    if not headers:
        return {}
    values = variables(target.spec.secrets) | {"run": run or UNNAMED, "traceparent": traceparent()}
    return {name: fill(text, values) for name, text in headers.items()}
