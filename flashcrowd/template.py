"""Template: text with `${name}` in it, as target files, frames and runbooks use it.

Names may have dots (`${identity.token}`); `$${` writes a literal `${`. Values are put in as they are: a caller that
fills JSON gives values that are already escaped for a JSON string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError

_PLACE = re.compile(r"\$(?:(\$)(?=\{)|\{([A-Za-z_][\w.-]*)\})")


def names(text: str) -> list[str]:
    """The variables of a template, each once, in order."""
    return list(dict.fromkeys(match[2] for match in _PLACE.finditer(text) if match[2]))


def split(text: str) -> list[tuple[str, str | None]]:
    """The template as pairs: text as it is, and the variable that follows it; None after the last."""
    parts, literal, at = list[tuple[str, str | None]](), "", 0
    for match in _PLACE.finditer(text):
        literal, at = literal + text[at : match.start()], match.end()
        if match[1]:
            literal += "$"
        else:
            parts.append((literal, match[2]))
            literal = ""
    return [*parts, (literal + text[at:], None)]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with every variable replaced.

    Raises:
        InputError: a variable that isn't known; says which are.
    """

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        try:
            return values[match[2]]
        except KeyError:
            raise InputError(f"no variable ${{{match[2]}}}{did_you_mean(match[2], values)}") from None

    return _PLACE.sub(value, text) if "$" in text else text
