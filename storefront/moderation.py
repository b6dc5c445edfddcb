"""Moderation: whether a comment says something forbidden, seen through the usual evasions.

Comment and phrases are reduced to skeletons, in which what looks alike is alike (the idea of Unicode's confusables,
UTS 39, section 4): compatibility forms such as full-width letters are decomposed and accents dropped (NFKD), case is
folded, look-alikes are one letter, and what can be put between letters without being read is gone: spaces, zero-width
characters, dots and dashes. Then it is one search for any of the phrases.
"""

import re
import unicodedata

PHRASES = ("buy followers", "counterfeit goods", "add me on telegram", "刷单", "代开发票", "加微信")
UNREAD = frozenset({"Cc", "Cf", "Me", "Mn", "Zl", "Zp", "Zs"})
FILLERS = ".-_*~'`|/\\·•・…ㅤᅟᅠ"
LOOK_ALIKES = {
    "a": "аαɑ4@", "b": "Ьв", "c": "сϲ", "d": "ԁ", "e": "еεє3", "f": "ϝƒ", "g": "ɡ", "h": "һн", "j": "јϳ", "k": "кκ",
    "l": "іιıӏiǀ1!", "m": "мʍ", "n": "ոη", "o": "оοσօ0", "p": "рρ", "q": "ԛ", "r": "гʀ", "s": "ѕꜱ5$", "t": "тτ7",
    "u": "υս", "v": "ѵν", "w": "ԝωѡ", "x": "хχ", "y": "уγү", "z": "ᴢ",
    "单": "單単", "开": "開", "发": "發発", "微": "薇",
}  # fmt: skip


def _table() -> dict[int, str | None]:
    unread = (number for number in range(0x10000) if unicodedata.category(chr(number)) in UNREAD)
    table: dict[int, str | None] = dict.fromkeys(unread)
    table |= dict.fromkeys(range(0xE0000, 0xE0200))  # tags and further variation selectors
    table |= dict.fromkeys(map(ord, FILLERS))
    return table | {ord(sign): letter for letter, signs in LOOK_ALIKES.items() for sign in signs}


TABLE = _table()


def skeleton(said: str) -> str:
    """What is left of a text once all that looks alike is alike."""
    if not said.isascii():
        said = unicodedata.normalize("NFKD", said)
    return said.casefold().translate(TABLE)


class Moderation:
    """The forbidden phrases, made ready once."""

    def __init__(self, phrases: tuple[str, ...] = PHRASES) -> None:
        self._phrases = re.compile("|".join(re.escape(skeleton(phrase)) for phrase in phrases))

    def forbids(self, said: str) -> bool:
        """Whether the comment contains a forbidden phrase."""
        return self._phrases.search(skeleton(said)) is not None
