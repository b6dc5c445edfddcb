"""Forbidden: phrases that a platform must never deliver, the ways in which people evade its filter, and what is still
recognisable of a phrase when it is.

A comment that says one is marked so (markers.py), and any receiver judges what became of it: delivered with the phrase
recognisable is a violation; delivered masked (`***`), or not at all, is fine.
"""

from __future__ import annotations

import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

PHRASES = ("buy followers", "counterfeit goods", "add me on telegram", "刷单", "代开发票", "加微信")
"""Bought popularity, fakes and trade beside the platform: what live-commerce platforms forbid everywhere."""

_AROUND = ("{}", "{} here", "who wants to {}", "{}!!")
_AROUND_CHINESE = ("{}", "主播{}吗", "{}找我", "{}!!")

_LATIN, _LOOK_ALIKE = "aceiopsxy", "асеіорѕху"
_HOMOGLYPHS = str.maketrans(_LATIN, _LOOK_ALIKE)
"""Latin letters and the Cyrillic ones that look the same in most typefaces (Unicode Technical Standard 39,
confusables.txt)."""

_PLAIN = str.maketrans(_LOOK_ALIKE + "јԁһԛԝνοαρτιабвгкмнт01345$@", _LATIN + "jdhqwvoaptia6brkmhtoieassa")
_ZERO_WIDTH = ("\u200b", "\u200c", "\u200d", "\ufeff", "\u2060")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def _spaced(phrase: str) -> str:
    return " ".join(phrase)


def _wide(phrase: str) -> str:
    """Full-width Latin letters; Chinese ones are wide already, and get the wide space between them."""
    if not phrase.isascii():
        return "\u3000".join(phrase)
    return "".join(chr(ord(letter) + 0xFEE0) if letter != " " else "\u3000" for letter in phrase)


def _alike(phrase: str) -> str:
    return phrase.translate(_HOMOGLYPHS)


def _invisible(phrase: str) -> str:
    return random.choice(_ZERO_WIDTH).join(phrase)


def _shouted(phrase: str) -> str:
    return phrase.upper()


EVASIONS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "spaces": _spaced,
    "width": _wide,
    "homoglyphs": _alike,
    "zero-width": _invisible,
    "capitals": _shouted,
}
"""The usual ways to write a phrase so that people read it and a filter doesn't. Where the letters allow none, as
homoglyphs of Chinese ones, the phrase stays as it is."""


def forbidden_comment() -> str:
    """A comment with a phrase by chance, in an evasion by chance."""
    phrase = random.choice(PHRASES)
    around = random.choice(_AROUND if phrase.isascii() else _AROUND_CHINESE)
    return around.format(random.choice(list(EVASIONS.values()))(phrase))


def fold(text: str) -> str:
    """A text as a reader takes it: compatible forms and look-alikes are the letters they stand for, case is none, and
    what isn't a letter or a digit is nothing.

    NFKC (Unicode Standard Annex 15) brings the widths together.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)
    return "".join(letter for letter in folded if letter.isalnum())


_FOLDED = {fold(phrase): phrase for phrase in PHRASES}


def recognise(text: str) -> str | None:
    """The forbidden phrase that a reader recognises in a text, however it is written; None when there is none."""
    folded = fold(text)
    return next((phrase for key, phrase in _FOLDED.items() if key in folded), None)


def comment_in(frame: bytes, marker: bytes) -> str:
    """The text of a marked comment in a frame, without its marker: of the JSON string that holds it.

    In a frame that isn't JSON, what stands between this marker and the one before it.
    """
    mark = marker.decode()
    for text in _strings(_parsed(frame)):
        if mark in text:
            return text.partition(mark)[0]
    before = frame.partition(marker)[0].decode(errors="replace").rpartition("~")[2]
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), before)


def _parsed(frame: bytes) -> Any:
    """The frame's JSON, which may follow a packet's head as Socket.IO's `42`; None where there is none."""
    starts = [at for at in (frame.find(b"{"), frame.find(b"[")) if at >= 0]
    try:
        return json.loads(frame[min(starts, default=0) :])
    except (ValueError, RecursionError):
        return None


def _strings(node: Any) -> Iterator[str]:
    """All strings inside of a JSON value; those that are JSON themselves stay as they are."""
    waiting = [node]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case list() as parts:
                waiting += parts
            case dict() as fields:
                waiting += fields.values()
