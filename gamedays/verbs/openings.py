"""Openings: sales and draws as the words of a command line describe them."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from flashcrowd.documents import Model
from flashcrowd.errors import InputError
from gamedays.plan import DrawPlan, SalePlan

Plan = TypeVar("Plan", bound=Model)


def sale(text: str | None, limit: int | None, duration: float) -> SalePlan | None:
    """A sale of `SKU:STOCK@10s[,20s]`; none of nothing. Raises InputError when it is written otherwise, or too late."""
    if text is None:
        if limit is not None:
            raise InputError("--limit: nothing is on sale; give --sale SKU:STOCK@10s")
        return None
    what, at = _split("--sale", text, "lipstick-01:500@10s")
    sku, colon, stock = what.rpartition(":")
    if not colon or not sku or not stock.isdigit():
        raise InputError(f"--sale: '{text}' has no stock; write lipstick-01:500@10s")
    plan = _plan("--sale", SalePlan, {"sku": sku, "stock": int(stock), "opens_at": at, "limit": limit})
    _before_the_end("--sale", plan.opens_at, 0.0, duration)
    return plan


def draw(text: str | None, closes_after: str, duration: float) -> DrawPlan | None:
    """A draw of `5@15s`, or of named prizes as `mug,scarf@15s`; none of nothing. Raises InputError as `sale` does."""
    if text is None:
        return None
    what, at = _split("--draw", text, "5@15s")
    prizes: Any = int(what) if what.isdigit() else [name for name in what.split(",") if name]
    plan = _plan("--draw", DrawPlan, {"prizes": prizes, "opens_at": at, "closes_after": closes_after})
    _before_the_end("--draw", plan.opens_at, plan.closes_after, duration)
    return plan


def _split(option: str, text: str, example: str) -> tuple[str, list[str]]:
    what, at, when = text.rpartition("@")
    if not at or not what or not when:
        raise InputError(f"{option}: '{text}' doesn't say what and when; write {example}")
    return what, when.split(",")


def _plan(option: str, kind: type[Plan], data: dict[str, Any]) -> Plan:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{option}: {place}: {first['msg'].removeprefix('Value error, ')}") from None


def _before_the_end(option: str, opens_at: list[float], lasts: float, duration: float) -> None:
    if late := [at for at in opens_at if at + lasts >= duration]:
        closing = f" and is open for {lasts:g} s" if lasts else ""
        raise InputError(f"{option}: what opens at {late[0]:g} s{closing} outlasts the load ({duration:g} s)")
