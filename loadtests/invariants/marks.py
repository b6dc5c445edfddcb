"""Marks: what is kept of a stored order: two numbers of sixty bits, however long its key and its order id are.

One is the hash of its key, the other the hash of its order id with three flags. Python holds a number of up to sixty
bits in 32 bytes, so that a stored order takes about 105 bytes in a dict, 105 MB a million. The hash is SipHash, which
Python keys anew in each process: among a million keys the chance that any two are taken for one another is 4 in 10^7.
"""

from __future__ import annotations

TWICE = 1
"""Its key was stored more than once."""

ACKNOWLEDGED = 2
"""A viewer was told that it is accepted."""

SEEN = 4
"""A viewer of ours made it."""

BITS = (1 << 60) - 1
"""What is kept of a key's hash: `hash(key) & BITS`."""

_FLAGS = 3
_MASK = (1 << 60 - _FLAGS) - 1


def mark(order_id: str) -> int:
    """The mark of an order that has just been stored."""
    return (hash(order_id) & _MASK) << _FLAGS


def is_of(stored: int, order_id: str) -> bool:
    """Whether a mark is that of an order id."""
    return stored >> _FLAGS == hash(order_id) & _MASK
