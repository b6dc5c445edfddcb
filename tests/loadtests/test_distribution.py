"""Several workers against the small platform: nothing lost, nothing twice, and a worker that is killed."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from flashcrowd.errors import NeedError
from loadtests import runner
from loadtests.history import read_history

BUYER = """
wait_time = constant(0.3)

def on_start(self):
    self.room = self.live.enter(self.identity)

@task
def buy(self):
    self.shop.order("soap", 2)
"""


async def until(check, timeout: float = 40.0) -> None:
    async with asyncio.timeout(timeout):
        while not check():
            await asyncio.sleep(0.05)


def worker(supervisor, number):
    return next(child for child in supervisor.children if child.name == f"load-worker-{number}")


@pytest.mark.slow
async def test_all_final_figures_of_three_workers_arrive(platform, run, supervisor, scenario, spec, guard):
    asked = spec(scenario(BUYER), workers=3, duration=4.0, viewers=9)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    await load.wait()
    result = load.result()
    orders = next(row for row in result.requests if row.name == "order")
    assert orders.requests == len(platform.requests) == len(list(read_history(run.path / "load")))
    assert result.orders["accepted"] == len(platform.orders)
    assert not result.lost_workers


@pytest.mark.slow
async def test_a_killed_worker_is_named_and_the_others_take_its_viewers_over(
    platform, run, supervisor, scenario, spec, guard
):
    asked = spec(scenario(BUYER), workers=3, duration=60.0, viewers=9)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    waiting = asyncio.create_task(load.wait())
    await until(lambda: len(platform.viewers) == 9 and len(platform.orders) > 20)
    os.kill(worker(supervisor, 1).pid, signal.SIGKILL)
    await until(lambda: len(platform.viewers) < 9)
    await until(lambda: len(platform.viewers) == 9)
    orders = len(platform.orders)
    await until(lambda: len(platform.orders) > orders + 20)
    await load.stop()
    await waiting
    result = load.result()
    (lost,) = result.lost_workers
    assert (lost["name"], lost["viewers"], lost["reason"]) == ("load-worker-1", 3, "ended")
    records = list(read_history(run.path / "load"))
    keys = [record.key for record in records]
    assert len(keys) == len(set(keys))
    counted = sum(result.orders.values())
    assert len(platform.orders) - 10 <= counted <= len(keys) <= len(platform.orders)


@pytest.mark.slow
async def test_a_load_whose_workers_are_all_killed_has_failed(platform, run, supervisor, scenario, spec, guard):
    asked = spec(scenario(BUYER), workers=2, duration=60.0)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    await until(lambda: len(platform.viewers) == 6)
    for number in (0, 1):
        os.kill(worker(supervisor, number).pid, signal.SIGKILL)
    with pytest.raises(NeedError, match="load-worker-0 ended with -9"):
        await load.wait()


async def test_viewers_come_from_source_addresses_of_their_worker(platform, run, supervisor, scenario, spec, guard):
    load = await runner.start(supervisor, spec(scenario(BUYER), duration=60.0), run, platform.target(), guard)
    await until(lambda: len(platform.viewers) == 6)
    sources = {connection.remote_address[0] for connection in platform.viewers}
    await load.stop()
    assert sources == {"127.64.0.1"}
