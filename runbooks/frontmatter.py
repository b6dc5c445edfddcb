"""Front matter: one field of it written anew, with every other byte of it left as people wrote it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node

from flashcrowd.errors import DocumentError, Problem
from runbooks.markers import line_end, lines, with_ends

FIELD = "rehearsed"

_PLAIN = re.compile(r"[A-Za-z][\w .%-]*(?:, ?[\w .%-]+)*[\w%]")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|[\d.]+m?s|[\dhms]+s")
_MEANS_ELSE = frozenset({"null", "true", "false", "yes", "no", "on", "off"})
"""What YAML, of one version or the other, takes for something else than a word."""


def renewed(text: str, file: Path, value: dict[str, Any] | None) -> str:
    """The page with `rehearsed` of its front matter set, added at its end, or with None taken away.

    A value that says the same as what is there changes nothing.

    Raises:
        DocumentError: the front matter is written in a way in which the field can't be found.
    """
    page = lines(text)
    last = next(number for number, line in enumerate(page) if number and line.rstrip() == "---")
    yaml = "".join(page[1:last])
    node = YAML(typ="rt").compose(io.StringIO(re.sub(r"\r\n?", "\n", yaml)))
    if not isinstance(node, MappingNode) or node.flow_style:
        raise DocumentError(
            [Problem(file, 1, "", "the front matter is in braces; write it as one 'field: value' a line")]
        )
    found = next((pair for pair in node.value if pair[0].value == FIELD), None)
    if found is not None and value is not None and _plain(yaml).get(FIELD) == _plain(written(value)).get(FIELD):
        return text
    new = with_ends(written(value), line_end(text)) if value is not None else ""
    first, until = _place(page[1:last], *found) if found is not None else (last - 1, last - 1)
    whole = [*page[: first + 1], new, *page[until + 1 :]]
    result = "".join(whole)
    _check(yaml, "".join([*page[1 : first + 1], new, *page[until + 1 : last]]), file)
    return result


def written(value: dict[str, Any]) -> str:
    """The field as it is written: a line for each thing, mappings in it on one line."""
    return "".join([f"{FIELD}:\n", *(f"  {name}: {_scalar(item)}\n" for name, item in value.items())])


def _scalar(value: Any) -> str:
    """A value of the field, quoted where YAML would take the bare text for something else. A time needs no quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_scalar(item)}" for name, item in value.items()) + "}"
    text = str(value)
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _MEANS_ELSE
    return text if is_plain or _TIME.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _place(page: list[str], key: Node, value: Node) -> tuple[int, int]:
    """The lines of a field, from 0; comments and empty lines after it belong to what follows."""
    first, until = key.start_mark.line, value.end_mark.line + (1 if value.end_mark.column else 0)
    until = max(until, first + 1)
    while until > first + 1 and re.fullmatch(r"\s*|#.*\s*", page[until - 1]):
        until -= 1
    return first, until


def _check(before: str, after: str, file: Path) -> None:
    """Nothing else may mean something else than it did: anchors and odd layouts are for people to edit."""
    try:
        old, new = ({**_plain(yaml), FIELD: None} for yaml in (before, after))
        same = old == new
    except YAMLError:
        same = False
    if not same:
        message = f"{FIELD} can't be written without changing another field; take its anchors out of the front matter"
        raise DocumentError([Problem(file, 1, "", message)])


def _plain(yaml: str) -> dict[str, Any]:
    loaded = YAML(typ="safe", pure=True).load(re.sub(r"\r\n?", "\n", yaml))
    return loaded if isinstance(loaded, dict) else {}
