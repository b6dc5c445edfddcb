"""Planted bugs, off by default: each breaks one invariant, as proof that the invariant can fail.

A bug is a module named after it, with a subclass of the part that it breaks. A service asks for its parts through
`planted`; without a bug it gets the part itself, so that a bug which isn't planted costs nothing.
"""

from importlib import import_module
from typing import TypeVar

Part = TypeVar("Part")


def planted(bug: str, part: type[Part]) -> type[Part]:
    """The part with the bug in it; the part itself when the bug is elsewhere, or there is none."""
    if not bug:
        return part
    for kind in vars(import_module(f"storefront.bugs.{bug.replace('-', '_')}")).values():
        if isinstance(kind, type) and issubclass(kind, part) and kind is not part:
            return kind
    return part
