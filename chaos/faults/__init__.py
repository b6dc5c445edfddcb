"""Fault kinds: one file each, found by its name: `network.latency` is the one Fault of `network_latency.py`.

A kind is imported when it is asked for, so that a reverter is there in no time and needs nothing but its own faults.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails

from chaos.fault import Fault
from flashcrowd.documents import did_you_mean, dotted
from flashcrowd.errors import InputError


class Kinds(Mapping[str, type[Fault]]):
    """Every kind by the name that plans use, in the order of their names."""

    def __init__(self) -> None:
        self._modules = {name.replace("_", ".", 1): name for _, name, _ in pkgutil.iter_modules(__path__)}

    def __getitem__(self, kind: str) -> type[Fault]:
        return _load(f"{__name__}.{self._modules[kind]}")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._modules))

    def __len__(self) -> int:
        return len(self._modules)


@cache
def _load(module: str) -> type[Fault]:
    found = vars(importlib.import_module(module)).values()
    (kind,) = (one for one in found if isinstance(one, type) and issubclass(one, Fault) and one.__module__ == module)
    return kind


KINDS = Kinds()


def parse_fault(data: Mapping[str, Any]) -> Fault:
    """The fault of one mapping, by its kind.

    Raises:
        InputError: a line for each field that is wrong.
    """
    try:
        fault = _by_kind(data)
    except ValidationError as error:
        lines = [f"{dotted(row['loc'])}: {row['msg'].removeprefix('Value error, ')}" for row in error.errors()]
        raise InputError("\n".join(line.removeprefix(": ") for line in lines)) from None
    return fault


def _by_kind(data: object) -> Fault:
    """Validate with the kind's own model; errors keep their place inside the fault, wherever that stands."""
    if isinstance(data, Fault):
        return data
    if not isinstance(data, Mapping):
        raise ValueError("wants a fault, such as {kind: network.latency, on: inventory, delay: 800ms, for: 60s}")
    kind = data.get("kind")
    if kind is None:
        raise _wrong([InitErrorDetails(type="missing", loc=("kind",), input=data)])
    if kind not in KINDS:
        raise _wrong([_detail("kind", kind, f"no fault kind '{kind}'{did_you_mean(str(kind), KINDS)}")])
    try:
        return KINDS[kind].model_validate(data)
    except ValidationError as error:
        raise _wrong([_named(row, KINDS[kind]) for row in error.errors()]) from None


def _named(row: Any, model: type[Fault]) -> InitErrorDetails:
    """An unknown field told with this kind's own fields; any other error as it is."""
    if row["type"] != "extra_forbidden":
        return InitErrorDetails(type=row["type"], loc=row["loc"], input=row["input"], ctx=row.get("ctx", {}))
    fields = [field.alias or name for name, field in model.model_fields.items()]
    return _detail(row["loc"][0], row["input"], f"unknown field{did_you_mean(str(row['loc'][0]), fields)}")


def _detail(place: str | int, given: object, message: str) -> InitErrorDetails:
    return InitErrorDetails(type="value_error", loc=(place,), input=given, ctx={"error": ValueError(message)})


def _wrong(details: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("fault", details)


AnyFault = Annotated[SerializeAsAny[Fault], BeforeValidator(_by_kind)]
"""A pydantic field that holds a fault of any kind, chosen by its `kind`."""
