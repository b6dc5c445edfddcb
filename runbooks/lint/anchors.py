"""Anchors: the fragments of a page that a link can lead to, as GitHub makes them.

A heading's anchor is its text in lower case, without anything but letters, marks, digits, `_`, `-` and spaces, spaces
turned to `-`; the second of the same text gets `-1` (https://docs.github.com/en/get-started/writing-on-github/
getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from markdown_it.token import Token

from runbooks.markdown import plain


def slug(text: str) -> str:
    """The anchor of a heading with this text."""
    return "".join(char for char in text.lower() if _stays(char)).replace(" ", "-")


def anchors(tokens: Sequence[Token]) -> set[str]:
    """All anchors of a page: of its headings, and what its HTML calls itself."""
    seen, found = Counter[str](), set[str]()
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            name = slug(plain(tokens[number + 1]))
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
        for html in _html(token):
            found |= {value for tag, key, value in attributes(html) if key == "id" or (tag == "a" and key == "name")}
    return found


def attributes(html: str) -> list[tuple[str, str, str]]:
    """Tag, name and value of each attribute in a piece of HTML."""
    reader = _Attributes()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError):  # the library's own on hopeless declarations
        pass
    return reader.found


class _Attributes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, name, value) for name, value in attrs if value is not None]


def _html(token: Token) -> Iterator[str]:
    if token.type == "html_block":
        yield token.content
    yield from (child.content for child in token.children or [] if child.type == "html_inline")


def _stays(char: str) -> bool:
    category = unicodedata.category(char)
    return char in "- " or category[0] in "LM" or category in ("Nd", "Pc")
