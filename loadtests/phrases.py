"""Phrases: short bullet comments, of the kind that scroll over a live sale."""

from __future__ import annotations

import random

PHRASES = (
    "hello from the back row",
    "how much is it today?",
    "which shade suits dry lips?",
    "waiting for the link",
    "666",
    "add the gift please",
    "mine arrived yesterday, love it",
    "is shipping free?",
    "show it on the arm again",
    "one minute left!",
    "got it!!",
    "sold out already?",
    "restock please",
    "does it come in red?",
    "first time here",
    "the bundle is cheaper",
    "so pretty",
    "can I pay later?",
    "ordered two",
    "louder please",
)


def phrase() -> str:
    """A comment by chance."""
    return random.choice(PHRASES)
