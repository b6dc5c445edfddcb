"""Schedule: announces sales and draws to the target, which opens each at its instant, and records both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import admin_headers
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from gamedays.plan import DrawPlan, SalePlan

LEAD = 10.0
"""Seconds before its opening that a sale is announced, so that stock is in place even on a slow link."""


@dataclass(frozen=True)
class Opening:
    """One sale or draw. source: `sale` or `draw`, as events call it. opens_at: unix seconds. request: what the target
    is told; facts: what the event says besides."""

    source: str
    url: str
    opens_at: float
    request: dict[str, Any]
    facts: dict[str, Any]

    async def play(self, run: RunDirectory, target: Target, guard: Guard) -> None:
        """Announce it ahead of its opening, and record that; then record the opening."""
        await asyncio.sleep(max(0.0, self.opens_at - LEAD - time.time()))
        await self._announce(guard, admin_headers(target, run.name))
        run.record(self.source, "scheduled", **self.facts, **self.request)
        await asyncio.sleep(max(0.0, self.opens_at - time.time()))
        run.record(self.source, "opened", at=self.opens_at, **self.facts, **self.request)

    async def _announce(self, guard: Guard, headers: dict[str, str]) -> None:
        failed = f"the {self.source} could not be scheduled at {self.url}"
        async with guarded_client(guard, f"the {self.source}", LEAD) as client:
            try:
                answer = await client.post(self.url, json=self.request, headers=headers)
            except httpx.HTTPError as error:
                raise NeedError(f"{failed}: {error or type(error).__name__}") from None
        if not answer.is_success:
            raise NeedError(f"{failed}: {answer.status_code} {answer.text[:200]}")


class Schedule:
    """The sales and draws of one run.

    Raises InputError when the target has no path to schedule one of them at.
    """

    def __init__(
        self, sale: SalePlan | None, draw: DrawPlan | None, target: Target, guard: Guard, run: RunDirectory
    ) -> None:
        self._sale, self._draw, self._target, self._guard, self._run = sale, draw, target, guard, run
        self._limit = sale.limit if sale is not None else None
        shop, draws = target.spec.shop, target.spec.draw
        if sale is not None:
            self._sales_url = _url(shop.url if shop else "", shop.sales if shop else None, target, guard, "sale")
            self._limit = sale.limit or (shop.limit if shop else None)
        if draw is not None:
            self._draws_url = _url(draws.url if draws else "", draws.draws if draws else None, target, guard, "draw")

    async def play(self, start: float) -> None:
        """Schedule each ahead of its opening; ends when the last has opened. `start` is unix seconds.

        Raises:
            NeedError: the target refused one; the others are not scheduled any more.
        """
        run, target, guard = self._run, self._target, self._guard
        all_of_them = (*self._sales(start), *self._draws(start))
        openings = [asyncio.create_task(one.play(run, target, guard)) for one in all_of_them]
        try:
            await asyncio.gather(*openings)
        finally:
            for opening in openings:
                opening.cancel()

    def _sales(self, start: float) -> Iterator[Opening]:
        if (plan := self._sale) is None:
            return
        for number, opens in enumerate(plan.opens_at, 1):
            request: dict[str, Any] = {
                "sale_id": f"{self._run.name}-wave-{number}",
                "sku": plan.sku,
                "stock": plan.stock,
                "opens_at": start + opens,
                "room": plan.room,
            }
            if self._limit is not None:
                request["limit"] = self._limit
            yield Opening("sale", self._sales_url, start + opens, request, {"wave": number})

    def _draws(self, start: float) -> Iterator[Opening]:
        if (plan := self._draw) is None:
            return
        for number, opens in enumerate(plan.opens_at, 1):
            request = {
                "draw_id": f"{self._run.name}-draw-{number}",
                "prizes": plan.names,
                "opens_at": start + opens,
                "closes_at": start + opens + plan.closes_after,
                "room": plan.room,
            }
            yield Opening("draw", self._draws_url, start + opens, request, {"number": number})


def _url(base: str, path: str | None, target: Target, guard: Guard, what: str) -> str:
    field = {"sale": "spec.shop.sales", "draw": "spec.draw.draws"}[what]
    if path is None:
        raise InputError(f"target {target.name} can't schedule a {what}: give {field}, or leave out the {what}")
    url = base.rstrip("/") + path
    guard.check_url(url, field)
    return url
