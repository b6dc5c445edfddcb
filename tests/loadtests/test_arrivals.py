from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashcrowd.errors import NeedError
from loadtests import runner
from loadtests.arrivals import Poisson
from loadtests.shapes.curves import doorbuster

CUSTOMER = """
wait_time = constant(0.01)

def on_start(self):
    self.room = self.live.enter(self.identity)
    self.room.on("sale.opened", self.rush)

@task
def chat(self):
    self.room.say("never with arrivals")

def arrive(self):
    self.shop.order("soap")

def rush(self, sale):
    self.react(median=0.05)
    self.shop.order(sale.sku)
"""


@settings(deadline=None, max_examples=20)
@given(st.integers(), st.floats(1.0, 500.0), st.floats(1.0, 500.0))
def test_a_schedule_keeps_its_rate_through_changes_and_never_runs_backwards(seed, first, second):
    schedule = Poisson(0.0, random.Random(seed))
    schedule.change(first, 0.0)
    early = list(schedule.take(100.0))
    schedule.change(second, 100.0)
    late = list(schedule.take(200.0))
    assert [*early, *late] == sorted([*early, *late])
    assert all(0 <= at <= 100 for at in early)
    assert all(100 <= at <= 200 for at in late)
    for seen, rate in ((early, first), (late, second)):
        assert abs(len(seen) - 100 * rate) < 6 * (100 * rate) ** 0.5 + 1


def test_a_schedule_without_a_rate_has_nothing_due():
    schedule = Poisson(0.0)
    assert list(schedule.take(1e9)) == []
    schedule.change(10.0, 5.0)
    schedule.change(0.0, 5.0)
    assert schedule.due == float("inf")


@settings(deadline=None)
@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 300_000), st.floats(0, 50), st.floats(0.1, 100))
def test_a_doorbuster_gathers_a_crowd_that_never_shrinks_before_its_end(first, second, peak, over, duration):
    early, late = (doorbuster(at, peak, over, duration) for at in sorted((first, second)))
    if late is None:
        assert max(first, second) >= duration
    else:
        assert early is not None
        assert 0 <= early <= late <= peak


def test_most_of_a_doorbuster_comes_late_and_all_are_there_before_the_doors_open():
    assert doorbuster(10.0, 1_000, 20.0, 60.0) == 250
    assert doorbuster(20.0, 1_000, 20.0, 60.0) == 1_000
    assert doorbuster(60.0, 1_000, 20.0, 60.0) is None


async def until(check, timeout: float = 40.0) -> None:
    async with asyncio.timeout(timeout):
        while not check():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_orders_start_on_schedule_though_none_is_answered(
    platform, run, supervisor, scenario, spec, guard, workers
):
    platform.misbehave = lambda attempt: "store, then no answer"
    asked = spec(scenario(CUSTOMER), viewers=40, arrivals=20.0, duration=60.0, workers=workers)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    await until(lambda: len(platform.orders) == 40)
    assert len({order["user"] for order in platform.orders.values()}) == 40
    await load.stop()
    arrivals = load.result().arrivals
    assert arrivals["started"] >= 40
    assert arrivals["planned"] >= arrivals["started"] + arrivals["dropped"]
    assert not platform.comments


async def test_arrivals_that_find_nobody_free_are_counted_as_dropped(platform, run, supervisor, scenario, spec, guard):
    platform.misbehave = lambda attempt: "store, then no answer"
    asked = spec(scenario(CUSTOMER), viewers=2, arrivals=50.0, duration=5.0)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    await load.wait()
    arrivals = load.result().arrivals
    assert arrivals["started"] == 2
    assert arrivals["dropped"] > 50


async def test_an_idle_crowd_rushes_when_the_doors_open_and_says_how_late_it_was(
    platform, run, supervisor, scenario, spec, guard
):
    asked = spec(scenario(CUSTOMER), viewers=10, shape="doorbuster", duration=60.0)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    await until(lambda: platform.joined == 10)
    platform.open_sale(stock=10)
    await until(lambda: len(platform.orders) == 10)
    await load.stop()
    result = load.result()
    assert not platform.comments
    assert result.rushes == 10
    assert 0 <= result.times["rush lag"]["max"] < 5


async def test_arrivals_without_viewers_of_the_crowd_are_refused(platform, run, supervisor, spec, guard, tmp_path):
    file = tmp_path / "plain.py"
    file.write_text(
        "from locust import HttpUser, task\n\nclass Visitor(HttpUser):\n    @task\n    def look(self): ...\n"
    )
    host = f"http://127.0.0.1:{platform.shop_port}"
    with pytest.raises(NeedError, match="arrivals need viewers of the crowd"):
        await runner.start(supervisor, spec(str(file), host=host, arrivals=1.0), run, None, guard)
