"""YAML text: documents written so that people can read them and YAML reads back what was given."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString


def dump(documents: Sequence[Any]) -> str:
    """The documents as one text; `---` stands between them. Texts of several lines become blocks."""
    yaml = YAML()
    yaml.default_flow_style, yaml.width, yaml.allow_unicode = False, 100_000, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    texts = []
    for document in documents:
        stream = io.StringIO()
        yaml.dump(_dressed(document), stream)
        texts.append(stream.getvalue())
    return "---\n".join(texts)


def _dressed(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _dressed(part) for key, part in value.items()}
        case list() | tuple():
            return [_dressed(part) for part in value]
        case float() if value.is_integer() and abs(value) < 1e15:
            return int(value)
        case bool() | int() | float() | None:
            return value
        case _:
            return _text(str(value))


def _text(value: str) -> Any:
    """A block where that is exact, else what YAML makes of it; in double quotes when there is something unprintable."""
    lines = value.split("\n")
    if not all(line.isprintable() for line in lines):
        return DoubleQuotedScalarString(value)
    if len(lines) > 1 and lines[0][:1].strip() and all(line == line.rstrip() for line in lines):
        return LiteralScalarString(value)
    return value
