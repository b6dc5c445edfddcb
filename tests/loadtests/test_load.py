"""Real Locust children against the small platform."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from flashcrowd.errors import GuardError, InputError, NeedError
from loadtests import runner
from loadtests.history import OrderOutcome, read_history
from loadtests.invariants import judge
from loadtests.ledger import read_ledger

BUYER = """
wait_time = constant(0.3)

def on_start(self):
    self.room = self.live.enter(self.identity)

@task
def buy(self):
    self.shop.browse()
    self.shop.order(self.shop.goods[0], 2)
    self.room.say("hello")
"""


async def scrape(address: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://{address}/metrics")).text


async def until(condition, seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
async def test_every_order_is_in_the_history_and_in_the_final_figures(
    platform, run, supervisor, scenario, spec, guard, workers
):
    target = platform.target()
    load = await runner.start(supervisor, spec(scenario(BUYER), workers=workers), run, target, guard)
    await load.wait()
    records = list(read_history(run.path / "load"))
    result = load.result()
    by_name = {row.name: row for row in result.requests}
    assert len(records) > 20
    assert {record.key for record in records} == set(platform.attempts)
    assert result.orders == {"accepted": len(records), "rejected": 0, "unknown": 0}
    assert by_name["order"].requests == len(platform.requests)
    assert by_name["connect"].requests == platform.connections == 6
    assert by_name["say"].requests == len(platform.comments)
    assert len({record.user for record in records}) == 6
    judgement = judge(records, await read_ledger(target, guard), {}, minimum=20)
    assert {str(finding.outcome) for finding in judgement.findings} == {"pass"}
    assert judgement.summary.foreign == 0
