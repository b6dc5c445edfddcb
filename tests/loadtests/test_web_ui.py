"""Locust's web interface over viewers that have no greenlets: who watches it sees them come, act and go."""

from __future__ import annotations

import asyncio
import sys

import httpx

from flashcrowd.process import accepts, free_port
from loadtests.config import VARIABLE, LoadConfig
from loadtests.shapes import Shape

VIEWERS = 6
BUYER = """
wait_time = constant(0.2)

def on_start(self):
    self.room = self.live.enter(self.identity)

@task
def buy(self):
    self.shop.order(self.shop.goods[0])
"""


async def until(client: httpx.AsyncClient, condition) -> dict:
    async with asyncio.timeout(20):
        while not condition(seen := (await client.get("/stats/requests")).json()):
            await asyncio.sleep(0.1)
    return seen


async def test_the_web_interface_starts_counts_and_stops_viewers(platform, run, supervisor, scenario):
    shape = Shape.model_validate({"over": "1s", "duration": "60s"})
    config = LoadConfig(
        run="web", viewers=VIEWERS, shape=shape, workers=1, seed=1, metrics_port=free_port(),
        folder=run.path / "load", rooms=("main",), target=platform.target(),
    )  # fmt: skip
    (run.path / "load").mkdir(exist_ok=True)
    env = {VARIABLE: str(config.write(run.path / "load" / "config.json"))}
    port = free_port()
    command = [sys.executable, "-m", "loadtests.locustfile", "-f", scenario(BUYER), "--web-host", "127.0.0.1"]
    load = supervisor.spawn("load", [*command, "--web-port", str(port), "--stop-timeout", "3"], env)
    await load.ready(lambda: accepts("127.0.0.1", port))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert (await client.post("/swarm", data={"user_count": 1, "spawn_rate": 1})).json()["success"]
        seen = await until(client, lambda seen: seen["user_count"] == VIEWERS and seen["total_rps"] > 0)
        assert seen["state"] == "running"
        orders = next(row for row in seen["stats"] if row["name"] == "order")
        assert orders["num_requests"] > 0
        assert 0.0 < orders["median_response_time"] < 1_000.0
        assert (await client.post("/stop")).json()["success"]
        seen = await until(client, lambda seen: seen["state"] == "stopped")
        assert seen["user_count"] == 0
        order = next(row for row in seen["stats"] if row["name"] == "order")
        assert order["num_requests"] == len(platform.requests)
