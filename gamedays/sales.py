"""Sales: schedules the waves of the flash sale at the target's shop, which opens each at its instant."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx

from flashcrowd.client import guarded_client
from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.mark import admin_headers
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from gamedays.plan import SalePlan

LEAD = 10.0
"""Seconds before its opening that a wave is announced to the shop, so that stock is in place even on a slow link."""


class Sales:
    """The waves of one game day.

    Raises InputError when the target's shop has no path to schedule a sale at.
    """

    def __init__(self, plan: SalePlan, target: Target, guard: Guard, run: RunDirectory) -> None:
        shop = target.spec.shop
        if shop is None or shop.sales is None:
            raise InputError(
                f"target {target.name} can't schedule a sale: give spec.shop.sales, or leave out spec.sale"
            )
        self._url = shop.url.rstrip("/") + shop.sales
        guard.check_url(self._url, "spec.shop.sales")
        self._plan, self._run, self._target, self._guard = plan, run, target, guard

    async def play(self, start: float) -> None:
        """Schedule every wave ahead of its opening; ends when the last has opened. `start` is unix seconds."""
        async with asyncio.TaskGroup() as group:
            for number, opens in enumerate(self._plan.opens_at, 1):
                group.create_task(self._wave(number, start + opens))

    async def _wave(self, number: int, opens_at: float) -> None:
        await asyncio.sleep(max(0.0, opens_at - LEAD - time.time()))
        sale: dict[str, Any] = {
            "sale_id": f"{self._run.name}-wave-{number}",
            "sku": self._plan.sku,
            "stock": self._plan.stock,
            "opens_at": opens_at,
            "room": self._plan.room,
        }
        await self._announce(sale)
        self._run.record("sale", "scheduled", wave=number, **sale)
        await asyncio.sleep(max(0.0, opens_at - time.time()))
        self._run.record("sale", "opened", at=opens_at, wave=number, **sale)

    async def _announce(self, sale: dict[str, Any]) -> None:
        async with guarded_client(self._guard, "spec.shop.sales", LEAD) as client:
            try:
                headers = admin_headers(self._target, self._run.name)
                answer = await client.post(self._url, json=sale, headers=headers)
            except httpx.HTTPError as error:
                raise NeedError(
                    f"the sale could not be scheduled at {self._url}: {error or type(error).__name__}"
                ) from None
        if not answer.is_success:
            raise NeedError(f"the sale could not be scheduled at {self._url}: {answer.status_code} {answer.text[:200]}")
