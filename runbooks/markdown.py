"""Markdown: a page as GitHub reads it: its lines, its front matter, its blocks, and the plain text of a heading.

GitHub's dialect is CommonMark with a few extensions (https://github.github.com/gfm/). Tables and strikethrough are the
two that decide what a block or a text is; task lists, footnotes and bare addresses are prose either way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def lines_of(text: str) -> list[str]:
    """The lines of a page, whichever way they end; a byte order mark, which editors leave, is none of the text."""
    return re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff")).split("\n")


def split(lines: Sequence[str]) -> tuple[list[str] | None, list[str]]:
    """The lines of the front matter, between the first two `---`, and the page without them.

    Empty lines take their place in both, so that a line keeps its number; None where there is no front matter.
    """
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() == "---"), None)
    if lines[0].rstrip() != "---" or end is None:
        return None, list(lines)
    return ["", *lines[1:end]], [*[""] * (end + 1), *lines[end + 1 :]]


def tokens(lines: Sequence[str]) -> list[Token]:
    """The blocks of a page without its front matter."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse("\n".join(lines))


def plain(inline: Token) -> str:
    """The text that a reader sees of an inline token: `**Why** &amp; *how*` is `Why & how`."""
    shown = {"text", "code_inline", "text_special"}
    return "".join(
        " " if child.type in ("softbreak", "hardbreak") else child.content if child.type in shown else ""
        for child in inline.children or []
    ).strip()


def blanked(lines: Sequence[str]) -> list[str]:
    """Lines of HTML with nothing in place of comments, so that each keeps its number."""
    return _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), "\n".join(lines)).split("\n")


def without_comments(html: str) -> str:
    """HTML without its comments, which GitHub doesn't show."""
    return _COMMENT.sub("", html)
