"""Environment: `${env.NAME}` in what is run or sent, filled in at the last moment, so that no record holds a secret."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flashcrowd import masking
from flashcrowd.errors import InputError

_PLACE = re.compile(r"\$\{env\.([A-Za-z_]\w*)\}")


def names(node: Any) -> Iterator[str]:
    """The variables that a tree of texts needs, in order."""
    if isinstance(node, str):
        yield from _PLACE.findall(node)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from names(key)
            yield from names(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from names(item)


def missing(node: Any) -> str | None:
    """Why a tree of texts can't be filled in; None when it can."""
    unset = [name for name in names(node) if name not in os.environ]
    return f"the environment variable {unset[0]} is not set" if unset else None


def filled(node: Any, quote: Callable[[str], str] = str) -> Any:
    """The tree with every variable in its texts replaced, and the values masked from now on in whatever is shown.

    quote: what makes a value fit for its place. Any other `${...}` is left as it is.

    Raises:
        InputError: a variable isn't set.
    """
    if isinstance(node, str):
        return _PLACE.sub(lambda match: quote(_value(match[1])), node)
    if isinstance(node, Mapping):
        return {filled(key, quote): filled(value, quote) for key, value in node.items()}
    return [filled(item, quote) for item in node] if isinstance(node, list | tuple) else node


def for_shell(text: str) -> str:
    """The text as one word of a shell, whose own variables stand where ours do."""
    words, at = "", 0
    for match in _PLACE.finditer(text):
        words += _quoted(text[at : match.start()]) + f'"${match[1]}"'
        at = match.end()
    return (words + _quoted(text[at:])) or "''"


def _quoted(text: str) -> str:
    return shlex.quote(text) if text else ""


def _value(name: str) -> str:
    if name not in os.environ:
        raise InputError(f"the environment variable {name} is not set")
    masking.learn([os.environ[name]])
    return os.environ[name]
