"""Paths: where in a JSON answer a value is, in the one kind of JSONPath that a target file needs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from flashcrowd.errors import InputError


def parse_path(text: str, field: str = "order_id") -> tuple[str, ...]:
    """The steps of a path such as `$.data.order_id`. Raises InputError for any other kind of JSONPath."""
    first, *steps = text.split(".")
    if first != "$" or not steps or not all(step.replace("_", "a").replace("-", "a").isalnum() for step in steps):
        raise InputError(f"{field}: '{text}' is not a path of names; write it like $.data.order_id")
    return tuple(steps)


def _checked(text: str) -> str:
    try:
        parse_path(text, "")
    except InputError as error:
        raise ValueError(str(error).removeprefix(": ")) from None
    return text


JsonPath = Annotated[str, AfterValidator(_checked)]
"""A path as a file's field has it."""
