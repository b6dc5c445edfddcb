"""Viewers who react to an event: when they begin, and what is said of how late that was."""

from __future__ import annotations

import asyncio
import json

from loadtests import runner
from loadtests.history import read_history

BUYER = """
wait_time = constant(60)

def on_start(self):
    self.room = self.live.enter(self.identity)
    self.room.on("sale.opened", self.rush, after=lambda: 0.5)
    self.look_around()

@task
def nothing(self): pass

def rush(self, sale):
    self.shop.order(sale.sku)
    self.react(median=0.2, sigma=0.0)
    self.shop.order(sale.sku)
"""


async def test_a_reaction_time_counts_from_the_events_arrival_and_the_next_one_from_what_was_done(
    platform, run, supervisor, scenario, spec, guard
):
    load = await runner.start(supervisor, spec(scenario(BUYER), duration=6.0), run, platform.target(), guard)
    async with asyncio.timeout(30):
        while len(platform.viewers) < 6:
            await asyncio.sleep(0.05)
    platform.open_sale(stock=100)
    await load.wait()
    orders = sorted((order.user, order.start) for order in read_history(run.path / "load"))
    assert len(orders) == 12
    assert load.result().rushes == 6
    summary = json.loads((run.path / "load" / "summary.json").read_text())
    assert summary["times"]["rush lag"]["max"] < 0.5  # from the end of the reaction time, not from the event
    first, second = orders[0::2], orders[1::2]
    assert all(later - earlier >= 0.2 for (_, earlier), (_, later) in zip(first, second, strict=True))
