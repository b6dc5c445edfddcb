"""Fate: what a viewer is by chance, and yet the same each time: a number from the load's seed, the viewer and a word.

Numbers that are drawn one after another come in another order each time, as viewers wake when the network lets them.
These depend on nothing of the kind: a load with the same seed and identities has the same bots, the same people in the
same rooms who want the same things. They cost a hash of some microseconds, and no memory.
"""

from __future__ import annotations

from hashlib import blake2b


def fate(seed: int, who: str, what: str) -> float:
    """From 0 to below 1, evenly over viewers and words."""
    text = f"{seed}\0{who}\0{what}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(text, digest_size=6).digest()) / 2**48
