"""Links: where a page leads, and whether what is on this disk is there: files, headings, definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it.token import Token

from flashcrowd.documents import did_you_mean
from runbooks import markdown
from runbooks.lint.anchors import anchors, attributes
from runbooks.lint.finding import Finding, finding
from runbooks.lint.pages import Page
from runbooks.parser import LONGEST

_UNDEFINED = re.compile(r"(?<![\w\]\\])\[[^\[\]]+\]\[([^\[\]]+)\]")
_BARE = re.compile(r"https?://[^\s<>\"'`]+[^\s<>\"'`.,;:!?)\]}]")
_LINES = re.compile(r"L\d+(C\d+)?(-L\d+(C\d+)?)?")
"""A fragment that means lines of a file."""
_OPEN = re.compile(r"\$\{|\{\{|%7B%7B|\$%7B", re.IGNORECASE)
"""What somebody else still has to fill in."""


@dataclass(frozen=True)
class Link:
    """A link of a page. href: as it stands, its characters percent-encoded."""

    file: Path
    line: int
    href: str

    @property
    def is_web(self) -> bool:
        return self.href.startswith(("http://", "https://", "//"))


def links(page: Page) -> list[Link]:
    """All links and pictures of a page, in order; those that still have variables in them are left out."""
    found = [Link(page.file, line, href) for line, href in _hrefs(page.tokens)]
    return [link for link in found if not _OPEN.search(link.href)]


def findings(page: Page) -> Iterator[Finding]:
    """The links of a page that lead nowhere on this disk."""
    own = anchors(page.tokens)
    for link in links(page):
        if (message := _fault(link, own)) is not None:
            yield finding("link", page.file, link.line, message)
    for line, text in _texts(page.tokens):
        for match in _UNDEFINED.finditer(text):
            yield finding("link", page.file, line, f"nothing on the page defines [{match[1]}], which a link refers to")


def _fault(link: Link, own: set[str]) -> str | None:
    try:
        parts = urlsplit(link.href)
    except ValueError:
        return f"the link '{_short(link.href)}' is no address"
    if parts.scheme or parts.netloc:
        return None
    path, fragment = unquote(parts.path), unquote(parts.fragment)
    if not path:
        return _fragment_fault(link.file.name, fragment, own) if fragment or not link.href else None
    place = _place(link.file, path)
    if place is None:
        return None
    if not _exists(place):
        return f"the link '{_short(path)}' leads nowhere{_near(place)}"
    if not fragment or place.suffix.lower() not in (".md", ".markdown") or _LINES.fullmatch(fragment):
        return None
    there = _anchors_of(place)
    return _fragment_fault(path, fragment, there) if there is not None else None


def _fragment_fault(file: str, fragment: str, known: set[str]) -> str | None:
    if not fragment:
        return "a link is empty"
    if fragment in known or fragment == "top" or fragment.startswith(("fn-", "fnref-", "user-content-", ":~:")):
        return None
    near = did_you_mean(fragment, known)
    return f"{_short(file)} has no heading #{_short(fragment)}{near if near.startswith('; did') else ''}"


def _place(file: Path, path: str) -> Path | None:
    """Where a path of a page leads; one from the root is meant from the repository's, and unknown without one."""
    if not path.startswith("/"):
        return file.parent / path
    folders = file.absolute().parents
    root = next((folder for folder in folders if (folder / ".git").exists()), None)
    return root / path.lstrip("/") if root is not None else None


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):
        return False


def _near(place: Path) -> str:
    try:
        near = did_you_mean(place.name, [other.name for other in place.parent.iterdir()])
    except (OSError, ValueError):
        return ""
    return near if near.startswith("; did") else ""


@lru_cache(maxsize=256)
def _anchors_of(file: Path) -> set[str] | None:
    """The anchors of a page on this disk; None where it can't be told."""
    try:
        if not file.is_file() or file.stat().st_size > LONGEST:
            return None
        lines = markdown.lines_of(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return anchors(markdown.tokens(markdown.split(lines)[1]))


def _hrefs(blocks: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Line and address of each link."""
    for line, token in _with_lines(blocks):
        match token.type:
            case "link_open":
                yield line, str(token.attrs.get("href", ""))
            case "image":
                yield line, str(token.attrs.get("src", ""))
            case "html_inline" | "html_block":
                for tag, name, value in attributes(token.content):
                    if (tag, name) in (("a", "href"), ("img", "src")):
                        yield line, value
            case "text":
                yield from ((line, match[0]) for match in _BARE.finditer(token.content))


def _texts(blocks: Sequence[Token]) -> Iterator[tuple[int, str]]:
    return ((line, token.content) for line, token in _with_lines(blocks) if token.type == "text")


def _with_lines(blocks: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """HTML blocks and all that stands inside of paragraphs, each with its line; a table's cells with their row's."""
    line = 1
    for block in blocks:
        line = block.map[0] + 1 if block.map is not None else line
        if block.type == "html_block":
            yield line, block
        here = line
        for child in block.children or []:
            yield here, child
            here += child.type in ("softbreak", "hardbreak") or child.content.count("\n")


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
