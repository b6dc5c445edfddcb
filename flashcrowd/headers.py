"""Headers: what a target file may write into a request's head, and its method."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110, 5.6.2."""


def _checked(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"'{name}' is not the name of a header")
        if any(character < " " and character != "\t" for character in value):
            raise ValueError(f"the header {name} holds a line break or another control character")
    return headers


def _method(text: str) -> str:
    if not (text.isascii() and text.isalpha() and text.isupper()):
        raise ValueError(f"'{text}' is not a method; write it in capitals, as POST")
    return text


Headers = Annotated[dict[str, str], AfterValidator(_checked)]
Method = Annotated[str, AfterValidator(_method)]
