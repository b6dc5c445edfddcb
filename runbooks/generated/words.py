"""Words: texts of others, figures and steps as they may stand in Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import promql_parser

from flashcrowd.units import about


def said(text: str) -> str:
    """Somebody's words on one line, in which nothing is a tag, a comment, a cell's end or a template of ours."""
    line = " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|").replace("`", "'")
    return re.sub(r"^(#+|[-+*>]|\d+[.)])(?=\s|$)", r"\\\1", line)


def code(text: str) -> str:
    """A name or a query inside a sentence or a table."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def after(seconds: float | None, none: str = "–") -> str:
    return none if seconds is None else about(seconds)


def percent(share: float | None, none: str = "–") -> str:
    return (
        none if share is None else f"{100 * share:.0f} %" if share in (0, 1) or share >= 0.1 else f"{100 * share:.2g} %"
    )


def figure(value: float | None) -> str:
    if value is None:
        return "no data"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of GitHub's Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def listed(words: Sequence[str], last: str = "and") -> str:
    """As `a, b and c`."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def laid_out(query: str) -> str:
    """A query as people read it, in lines; one that isn't PromQL before its variables are filled in stays as it is."""
    try:
        parsed = promql_parser.parse(query)
    except ValueError:
        return query
    while isinstance(parsed, promql_parser.ParenExpr):
        parsed = parsed.expr
    return str(parsed.prettify())


def block(kind: str, name: str, text: str, settings: dict[str, Any]) -> str:
    """A step as it stands on a page."""
    info = json.dumps({"step": name, **settings}, ensure_ascii=False)
    longest = max((len(run) for run in re.findall(r"`+|~+", f"{text}\n{info}")), default=0)
    mark = "~" if "`" in info else "`"
    fence = mark * max(3, longest + 1)
    return f"{fence}{kind} {info}\n{text.strip(chr(10))}\n{fence}\n"
