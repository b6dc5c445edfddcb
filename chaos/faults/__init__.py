"""Fault kinds: one file each, and the one place where a kind's name meets its class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError
from pydantic_core import InitErrorDetails

from chaos.fault import Fault
from chaos.faults.network_latency import NetworkLatency
from flashcrowd.documents import did_you_mean, dotted
from flashcrowd.errors import InputError

KINDS: dict[str, type[Fault]] = {"network.latency": NetworkLatency}
"""Every kind by the name that plans use."""


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
