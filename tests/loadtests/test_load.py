"""Real Locust children against the small platform."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from flashcrowd.errors import GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from loadtests import runner
from loadtests.history import OrderOutcome, read_history
from loadtests.invariants import Sale, judge
from loadtests.ledger import read_ledger

ROOT = Path(__file__).resolve().parents[2]

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

RUSHER = """
wait_time = constant(0.2)

def on_start(self):
    self.room = self.live.enter(self.identity, "blue")
    self.room.on("sale.opened", self.rush)
    self.room.on("sale.opened", self.stumble)

@task
def chat(self):
    self.room.say('a "quoted" word')

def stumble(self, sale):
    raise KeyError("this handler fails")

def rush(self, sale):
    self.react(median=0.01)
    self.shop.order(sale.sku)
    gevent.sleep(60)
"""

WATCHER = """
wait_time = constant(60)

def on_start(self):
    self.room = self.live.enter(self.identity)

@task
def buy(self):
    self.shop.order("soap")
"""


async def scrape(address: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://{address}/metrics")).text


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_every_order_is_in_the_history_and_in_the_final_figures(
    platform, run, supervisor, scenario, spec, guard, workers
):
    target = platform.target()
    load = await runner.start(supervisor, spec(scenario(BUYER), workers=workers), run, target, guard)
    await load.wait()
    records, result = list(read_history(run.path / "load")), load.result()
    by_name = {row.name: row for row in result.requests}
    assert len(records) > 10
    assert {record.key for record in records} == set(platform.attempts)
    assert result.orders == {"accepted": len(records), "rejected": 0, "unknown": 0}
    assert by_name["order"].requests == len(platform.requests)
    assert by_name["connect"].requests == platform.connections == 6
    assert by_name["say"].requests == len(platform.comments)
    assert (result.total, result.failures) == (sum(row.requests for row in result.requests), 0)
    assert len({record.user for record in records}) == 6
    assert {order["quantity"] for order in platform.orders.values()} == {2}
    judgement = judge(records, await read_ledger(target, guard), minimum=10)
    assert {str(finding.outcome) for finding in judgement.findings} == {"pass"}
    assert judgement.summary.foreign == 0


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_a_load_that_is_stopped_in_the_middle_of_its_orders_keeps_them_all(
    platform, run, supervisor, scenario, spec, guard, workers
):
    platform.misbehave = lambda attempt: "store, then no answer"
    target = platform.target()
    load = await runner.start(supervisor, spec(scenario(BUYER), workers=workers, duration=60.0), run, target, guard)
    await until(lambda: len(platform.orders) == 6)
    await load.stop()
    records = list(read_history(run.path / "load"))
    assert {record.key for record in records} == set(platform.orders)
    assert {record.outcome for record in records} == {OrderOutcome.UNKNOWN}
    assert load.result().orders == {"accepted": 0, "rejected": 0, "unknown": 6}
    judgement = judge(records, await read_ledger(target, guard), minimum=1)
    assert judgement.summary.unknown_stored == 6
    assert supervisor.children[0].returncode == 0


async def test_handlers_may_block_and_fail_while_the_viewer_goes_on(
    platform, run, supervisor, scenario, spec, guard, read_figure
):
    load = await runner.start(supervisor, spec(scenario(RUSHER), duration=60.0), run, platform.target(), guard)
    await until(lambda: platform.joined == 6)
    platform.open_sale(stock=4)
    await until(lambda: len(platform.attempts) == 6)
    comments = len(platform.comments)
    await until(lambda: len(platform.comments) > comments + 12)
    async with asyncio.timeout(20):
        while (
            read_figure(text := await scrape(load.metrics_address), 'flashcrowd_orders_total{outcome="rejected"}') < 2
        ):
            await asyncio.sleep(0.1)
    assert read_figure(text, 'flashcrowd_orders_total{outcome="accepted"}') == 4
    assert read_figure(text, 'flashcrowd_viewers{state="connected"}') == 6
    assert read_figure(text, 'flashcrowd_requests_total{name="order",outcome="ok"}') == 6
    assert read_figure(text, 'flashcrowd_chat_deliveries_total{outcome="on_time",rooms="small"}') > 60
    assert read_figure(text, 'flashcrowd_chat_deliveries_total{outcome="lost",rooms="small"}') == 0
    assert read_figure(text, "flashcrowd_generator_saturated") == 0
    assert platform.comments[0][1].startswith('a "quoted" word ~')
    assert platform.pings
    await load.stop()
    assert "this handler fails" in supervisor.children[0].log.read_text()


async def test_handshakes_and_orders_carry_the_mark_and_a_trace(platform, run, supervisor, scenario, spec, guard):
    load = await runner.start(supervisor, spec(scenario(WATCHER), viewers=2), run, platform.target(), guard)
    await until(lambda: len(platform.requests) == 2)
    await load.stop()
    assert {headers["x-scene-id"] for headers in (*platform.handshakes, *platform.requests)} == {run.name}
    traces = {headers["traceparent"] for headers in platform.requests}
    assert traces == {record.traceparent for record in read_history(run.path / "load")}
    assert len(traces) == 2


async def test_an_order_without_an_answer_is_repeated_with_its_key_and_trace(
    platform, run, supervisor, scenario, spec, guard
):
    platform.misbehave = lambda attempt: {1: 503, 2: "hang up"}.get(attempt, "")
    load = await runner.start(
        supervisor, spec(scenario(WATCHER), viewers=3, duration=60.0), run, platform.target(), guard
    )
    await until(lambda: len(platform.orders) == 3)
    await load.stop()
    records = list(read_history(run.path / "load"))
    assert [(record.outcome, record.attempts) for record in records] == [(OrderOutcome.ACCEPTED, 3)] * 3
    assert {headers["idempotency-key"] for headers in platform.requests} == {record.key for record in records}
    assert len({headers["traceparent"] for headers in platform.requests}) == 3


async def test_an_order_turned_away_after_an_attempt_without_an_answer_stays_unknown(
    platform, run, supervisor, scenario, spec, guard
):
    platform.misbehave = lambda attempt: {1: 503, 2: 409}[attempt]
    load = await runner.start(
        supervisor, spec(scenario(WATCHER), viewers=1, duration=60.0), run, platform.target(), guard
    )
    await until(lambda: len(platform.requests) == 2)
    await load.stop()
    (record,) = read_history(run.path / "load")
    assert (record.outcome, record.reason, record.attempts) == (OrderOutcome.UNKNOWN, "sold_out", 2)


async def test_a_lost_connection_comes_back_and_is_counted(
    platform, run, supervisor, scenario, spec, guard, read_figure
):
    load = await runner.start(supervisor, spec(scenario(WATCHER), duration=60.0), run, platform.target(), guard)
    await until(lambda: len(platform.viewers) == 6)
    for connection in list(platform.viewers):
        connection.transport.abort()
    await until(lambda: platform.connections == 12 and len(platform.viewers) == 6)
    async with asyncio.timeout(20):
        while read_figure(text := await scrape(load.metrics_address), 'flashcrowd_viewers{state="connected"}') < 6:
            await asyncio.sleep(0.1)
    assert read_figure(text, 'flashcrowd_requests_total{name="reconnect",outcome="ok"}') == 6
    await load.stop()


@pytest.mark.slow
async def test_comments_that_a_viewer_never_gets_are_counted_as_lost(
    platform, run, supervisor, scenario, spec, guard, read_figure
):
    talker = "wait_time = constant(1)" + WATCHER.removeprefix("\nwait_time = constant(60)").replace(
        'self.shop.order("soap")', 'self.room.say("anybody?")'
    )
    load = await runner.start(supervisor, spec(scenario(talker), duration=60.0), run, platform.target(), guard)
    await until(lambda: platform.joined == 6)
    platform.deaf.add(next(iter(platform.viewers)))
    before = len(platform.comments)
    async with asyncio.timeout(30):
        while (
            read_figure(
                await scrape(load.metrics_address), 'flashcrowd_chat_deliveries_total{outcome="lost",rooms="head"}'
            )
            < 6
        ):
            await asyncio.sleep(0.2)
    await load.stop()
    result = load.result()
    assert 6 <= result.deliveries["lost"] <= len(platform.comments) - before
    assert result.deliveries["late"] == result.withheld == 0
    assert 0 < result.times["delivery"]["p50"] < 1


async def test_a_plain_locust_file_runs_with_its_host_and_without_the_users_configuration(
    platform, run, supervisor, spec, guard, tmp_path, monkeypatch, read_figure
):
    file = tmp_path / "plain.py"
    file.write_text(
        "from locust import HttpUser, constant, task\n\n"
        "class Visitor(HttpUser):\n"
        "    wait_time = constant(0.2)\n\n"
        "    @task\n"
        "    def look(self):\n"
        "        self.client.get('/catalogue')\n"
        "        self.client.get('/missing')\n"
    )
    (tmp_path / "locust.conf").write_text("host = http://192.0.2.1\nweb-port = wrong\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCUST_RUN_TIME", "1s")
    host = f"http://127.0.0.1:{platform.shop_port}"
    load = await runner.start(supervisor, spec(str(file), viewers=3, host=host), run, None, guard)
    text = ""
    async with asyncio.timeout(20):
        while not read_figure(text, 'flashcrowd_requests_total{name="/missing",outcome="error"}'):
            text = await scrape(load.metrics_address)
            await asyncio.sleep(0.05)
    await load.wait()
    by_name = {row.name: row for row in load.result().requests}
    assert by_name["/catalogue"].requests > 5
    assert by_name["/catalogue"].failures == 0
    assert by_name["/missing"].failures == by_name["/missing"].requests


async def test_a_scenario_that_cannot_be_loaded_is_shown_with_the_end_of_the_log(
    platform, run, supervisor, spec, guard, tmp_path
):
    file = tmp_path / "broken.py"
    file.write_text("raise RuntimeError('no scenario today')\n")
    with pytest.raises(NeedError, match="no scenario today"):
        await runner.start(supervisor, spec(str(file)), run, platform.target(), guard)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"viewers": 101}, "101 viewers are more than the max_viewers"),
        ({"viewers": 0}, "are no load"),
        ({"viewers": 99, "workers": 7}, "need 105 identities"),
        ({"duration": 0.0}, "greater than 0"),
        ({"scenario": "live-comerce"}, "did you mean 'live-commerce'"),
        ({"scenario": "nowhere.py"}, "no such Locust file"),
        ({"viewers": 4, "shape": "steps", "steps": 5}, "5 steps for 4 viewers"),
        ({"viewers": 4, "rooms": tuple("abcde")}, "5 rooms for 4 viewers"),
        ({"shape": "spike", "over": 2.0}, "the shape can't be used: a spike's rise"),
        ({"host": "http://192.0.2.1"}, "not in allow_hosts"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_starts(
    platform, run, supervisor, spec, guard, change, message
):
    with pytest.raises((InputError, GuardError), match=message):
        await runner.start(supervisor, spec(**{"scenario": "live-commerce", **change}), run, platform.target(), guard)
    assert not supervisor.children


async def test_a_target_without_what_the_scenario_needs_is_refused(platform, run, supervisor, spec, guard):
    target = platform.target()
    without = target.model_copy(update={"spec": target.spec.model_copy(update={"draw": None})})
    with pytest.raises(InputError, match=r"draw needs spec.draw, which target small doesn't have"):
        await runner.start(supervisor, spec("draw"), run, without, guard)


async def test_viewers_follow_the_shape_up_and_down(platform, run, supervisor, scenario, spec, guard):
    asked = spec(scenario(WATCHER), shape="spike", over=0.5, duration=9.0)
    load = await runner.start(supervisor, asked, run, platform.target(), guard)
    for level in (1, 6, 1):
        await until(lambda level=level: len(platform.viewers) == level)
    await load.wait()
    assert not platform.viewers


async def test_a_target_outside_of_the_guard_is_refused(platform, run, supervisor, spec):
    with pytest.raises(GuardError, match=r"spec.live.url: 127.0.0.1 is not in allow_hosts"):
        await runner.start(supervisor, spec("live-commerce"), run, platform.target(), Guard(["10.0.0.0/8"]))
    assert not supervisor.children


async def test_the_built_in_scenario_lives_through_a_sale(platform, run, supervisor, spec, guard):
    load = await runner.start(
        supervisor, spec("live-commerce", viewers=20, duration=60.0, seed=1), run, platform.target(), guard
    )
    await until(lambda: platform.joined == 20)
    platform.open_sale(stock=3)
    await until(lambda: platform.stock["lipstick-01"] == 0 and len(platform.attempts) > 5)
    await load.stop()
    ledger = await read_ledger(platform.target(), guard)
    judgement = judge(read_history(run.path / "load"), ledger, [Sale("lipstick-01", 3)], minimum=5)
    assert {str(finding.outcome) for finding in judgement.findings} == {"pass"}
    assert judgement.summary.sold == {"lipstick-01": 3}


def test_the_built_in_scenarios_are_listed_with_their_purpose():
    listed = runner.scenarios()
    assert listed["live-commerce"].purpose.startswith("A live sale")
    assert Path(listed["live-commerce"].file).is_file()


def test_what_other_packages_import_leaves_locust_and_gevent_out():
    code = (
        "import sys, loadtests.runner, loadtests.invariants, loadtests.ledger, loadtests.history\n"
        "print(sorted({'locust', 'gevent'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"
