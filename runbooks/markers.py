"""Markers: the comments between which a page is written by the generator; all else on it is people's.

    <!-- flashcrowd:generated diagnosis -->
    ...
    <!-- /flashcrowd:generated diagnosis -->

A marker is a line of its own at the left margin. One inside a code block, a list or a quotation is text like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import DocumentError, Problem
from runbooks.markdown import split, tokens

EVIDENCE = "<!-- flashcrowd:evidence "
"""How a line begins that keeps what a part was made from; it is no marker."""

_LIKE = re.compile(r"<!--\s*/?\s*flashcrowd\s*:", re.IGNORECASE)
_EXACT = re.compile(r" {0,3}<!-- (/?)flashcrowd:generated ([a-z][a-z-]*) -->[ \t]*")


@dataclass(frozen=True)
class Block:
    """One generated part. first, last: the line numbers (from 0) of its two markers."""

    name: str
    first: int
    last: int


def opening(name: str) -> str:
    return f"<!-- flashcrowd:generated {name} -->"


def closing(name: str) -> str:
    return f"<!-- /flashcrowd:generated {name} -->"


def lines(text: str) -> list[str]:
    """The lines of a page with their ends, as CommonMark knows them: `\\n`, `\\r\\n` and a lone `\\r`."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text)


def blocks(text: str, file: Path, known: Iterable[str]) -> dict[str, Block]:
    """The generated parts of a page by name, in its order.

    known: the names that there are.

    Raises:
        DocumentError: markers that are broken, there twice, one in the other or unknown; each with its line and remedy.
    """
    found, problems, known = dict[str, Block](), list[Problem](), list(known)
    opened: tuple[str, int] | None = None
    for number, line in _markers(text):
        marker = _EXACT.fullmatch(line)
        if marker is None:
            problems.append(_problem(file, number, f"is no marker; write {opening('NAME')} or {closing('NAME')}"))
            continue
        closes, name = bool(marker[1]), marker[2]
        if name not in known:
            problems.append(_problem(file, number, f"no generated part '{name}'{did_you_mean(name, known)}"))
        if not closes and opened is not None:
            message = f"begins inside of '{opened[0]}' (line {opened[1] + 1}); end that one first: {closing(opened[0])}"
            problems.append(_problem(file, number, f"'{name}' {message}"))
        elif not closes:
            if name in found:
                first = found[name].first + 1
                message = f"'{name}' is there already, in line {first}; delete one of the two, with its markers"
                problems.append(_problem(file, number, message))
            opened = name, number
        elif opened is None or opened[0] != name:
            begun = f"; '{opened[0]}' is, in line {opened[1] + 1}" if opened else ""
            remedy = f"write {opening(name)} above what it ends, or delete this line"
            problems.append(_problem(file, number, f"'{name}' ends, but isn't begun{begun}; {remedy}"))
        else:
            found[name], opened = Block(name, opened[1], number), None
    if opened is not None:
        message = f"'{opened[0]}' is never ended; write {closing(opened[0])} below it, or delete this line"
        problems.append(_problem(file, opened[1], message))
    if problems:
        raise DocumentError(problems)
    return found


def renewed(text: str, found: Mapping[str, Block], contents: Mapping[str, str]) -> str:
    """The page with the content of these parts replaced, the page's own line ends kept; all else as it is."""
    parts, at, end = lines(text), 0, line_end(text)
    whole = list[str]()
    for block in sorted(found.values(), key=lambda block: block.first):
        whole += parts[at : block.first + 1]
        at = block.first + 1
        if block.name in contents:
            whole.append(with_ends(contents[block.name], end))
            at = block.last
    return "".join([*whole, *parts[at:]])


def without(text: str, found: Mapping[str, Block]) -> str:
    """What people wrote: the page without the content of the generated parts."""
    return renewed(text, found, dict.fromkeys(found, ""))


def content(text: str, block: Block) -> str:
    """What stands between the markers of a part, lines ended by `\\n`."""
    inside = lines(text)[block.first + 1 : block.last]
    return re.sub(r"\r\n?", "\n", "".join(inside))


def wrapped(name: str, text: str) -> str:
    """A part with its markers."""
    return f"{opening(name)}\n{text}{closing(name)}\n"


def line_end(text: str) -> str:
    """How most lines of a page end."""
    ends = [re.search(r"[\r\n]+\Z", line) for line in lines(text)]
    counts = {end: sum(1 for found in ends if found and found[0] == end) for end in ("\n", "\r\n", "\r")}
    return max(counts, key=lambda end: counts[end])


def with_ends(text: str, end: str) -> str:
    return text.replace("\n", end)


def _markers(text: str) -> Iterator[tuple[int, str]]:
    """The lines (from 0) that are markers, or are meant to be."""
    page = [re.sub(r"[\r\n]+\Z", "", line) for line in lines(text)]
    if not page:
        return
    _, body = split([page[0].removeprefix("\ufeff"), *page[1:]])
    for token in tokens(body):
        if token.type == "html_block" and token.level == 0 and token.map is not None:
            for number in range(token.map[0], min(token.map[1], len(body))):
                if _LIKE.search(body[number]) and not body[number].startswith(EVIDENCE):
                    yield number, body[number]


def _problem(file: Path, number: int, message: str) -> Problem:
    return Problem(file, number + 1, "", message)
