"""Crowds: viewers of either kind in this process, under a real Locust runner. Imports Locust, so: in children only."""

from __future__ import annotations

import gc
import tempfile
import time
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
import locust
import locust.stats
from locust.env import Environment
from locust.runners import LocalRunner

from flashcrowd.target import Target
from loadtests import users
from loadtests.config import LoadConfig
from loadtests.crowd.histogram import round_off
from loadtests.locustfile import stop_parked_at_once
from loadtests.requestlog import RequestLog
from loadtests.session import Session
from loadtests.shapes import Shape


def target(live: int = 0, shop: int = 0, scheme: str = "ws", **more: Any) -> Target:
    spec: dict[str, Any] = {"environment": "benchmark", "allow_hosts": ["127.0.0.1"], "max_viewers": 1_000_000}
    if live:
        spec["live"] = {"url": f"{scheme}://127.0.0.1:{live}/", "say": '{"type":"chat","text":"${text}"}'}
    if shop:
        request = {"path": "/orders", "headers": {"Idempotency-Key": "${key}"}, "json": {"sku": "${sku}"}}
        spec["shop"] = {"url": f"http://127.0.0.1:{shop}", "order": {"request": request}, **more}
    return Target.model_validate({"metadata": {"name": "benchmark"}, "spec": spec})


def crowd(aim: Target, user: type[users.CrowdUser]) -> tuple[LocalRunner, Session]:
    """A runner of our viewers, and their session."""
    environment = Environment(user_classes=[user], stop_timeout=5)
    runner = environment.create_local_runner()
    shape = Shape.model_validate({"over": "1s", "duration": "1s"})
    config = LoadConfig(
        run="benchmark", viewers=1, shape=shape, workers=1, seed=1, metrics_port=0,
        folder=Path(tempfile.mkdtemp()), rooms=("main",), target=aim,
    )  # fmt: skip

    def count(name: str, response_time: float | None, **_: Any) -> None:
        session.tally.request(name, (response_time or 0.0) / 1e3, False)

    session = Session(config, 0, RequestLog(environment, lambda: session.tally, count))
    stop_parked_at_once(runner)
    locust.stats.bucket_response_time = round_off  # type: ignore[assignment]
    users.use(session)
    return runner, session


def stock(user: type[locust.User]) -> LocalRunner:
    """A runner of Locust's own users."""
    return Environment(user_classes=[user], stop_timeout=5).create_local_runner()


def fill(runner: LocalRunner, count: int, rate: float = 1000.0) -> None:
    """Start so many viewers."""
    runner.start(count, spawn_rate=rate)
    while runner.user_count < count:
        gevent.sleep(0.1)


def settle(seconds: float = 2.0) -> None:
    gevent.sleep(seconds)
    gc.collect()


class Cpu:
    """CPU seconds and wall seconds since it was made."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def seconds(self) -> float:
        return time.process_time() - self._cpu

    def wall(self) -> float:
        return time.perf_counter() - self._wall
