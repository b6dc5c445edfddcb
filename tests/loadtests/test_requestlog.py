"""Requests that are counted many at once: whoever listens hears each all the same, and no figure is missing."""

from __future__ import annotations

import json

from loadtests import runner

BUYER = """
wait_time = constant(0.1)

@task
def buy(self):
    self.shop.browse()
    self.shop.order(self.shop.goods[0])
"""

LISTENER = """
@events.request.add_listener
def note(request_type, name, response_time, response_length, exception, **_):
    import json, os
    with open(os.environ["HEARD"], "a") as file:
        file.write(json.dumps([name, response_time, exception is not None]) + "\\n")
"""


async def test_a_scenario_that_listens_hears_each_request_as_in_locust(
    platform, run, supervisor, scenario, spec, guard, monkeypatch, tmp_path
):
    platform.misbehave = lambda attempt: 503 if attempt == 1 else ""
    monkeypatch.setenv("HEARD", str(tmp_path / "heard"))
    load = await runner.start(supervisor, spec(scenario(BUYER + LISTENER)), run, platform.target(), guard)
    await load.wait()
    heard = [json.loads(line) for line in (tmp_path / "heard").read_text().splitlines()]
    rows = {row.name: row for row in load.result().requests}
    for name in ("browse", "order"):
        mine = [(millis, failed) for one, millis, failed in heard if one == name]
        assert rows[name].requests == len(mine) > 0
        assert rows[name].failures == sum(failed for _, failed in mine)
        assert all(millis > 0.0 for millis, _ in mine)
    assert rows["order"].failures


async def test_nobody_listening_the_failures_and_the_others_are_all_counted(
    platform, run, supervisor, scenario, spec, guard
):
    platform.misbehave = lambda attempt: 503 if attempt == 1 else ""
    load = await runner.start(supervisor, spec(scenario(BUYER)), run, platform.target(), guard)
    await load.wait()
    (order,) = [row for row in load.result().requests if row.name == "order"]
    assert order.requests == len(platform.requests)
    assert order.failures == sum(1 for attempts in platform.attempts.values() if attempts)
    assert 0.0 < order.p50 <= order.p99
