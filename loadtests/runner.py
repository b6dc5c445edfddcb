"""Runner: starts a load as Locust child processes, waits for it, and stops it so that nothing it saw is lost.

Locust patches the process that imports it, so it lives in children alone: one that holds all viewers, or a master and
workers, each a direct child of ours.
"""

from __future__ import annotations

import ast
import asyncio
import math
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import Child, Supervisor, accepts, free_port
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from loadtests.config import VARIABLE, LoadConfig
from loadtests.identities import count
from loadtests.paths import parse_path
from loadtests.result import STATS, LoadResult, read_result
from loadtests.shapes import Shape, ShapeName

HOST = "127.0.0.1"
VIEWERS_PER_WORKER = 2_500
"""Up to so many viewers one process does without a master. 2,000 of `live-commerce` use an eighth of a core, and a sale
that they rush makes it late by less than 0.1 s; 5,000 who rush at once make it late by more than a second. A master
costs another process, and a second's delay of every figure."""

STOP_TIMEOUT = 3
"""Seconds that Locust gives tasks under way at the end (its --stop-timeout): an order should get its answer."""

_STOP_GRACE = 30.0
_SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class LoadSpec:
    """A load as it is asked for.

    scenario: a name of `scenarios()`, or the path of a Locust file. over, duration: seconds of the shape. host: for a
    plain Locust file without a target, the base URL that Locust's --host gives. seed: of all that viewers do by chance.
    """

    scenario: str
    viewers: int
    shape: ShapeName = "ramp"
    over: float = 10.0
    duration: float = 60.0
    workers: int | Literal["auto"] = "auto"
    metrics_port: int | None = None
    host: str | None = None
    rooms: tuple[str, ...] = ("main",)
    seed: int | None = None


@dataclass(frozen=True)
class ScenarioInfo:
    """A built-in scenario: where it is, and its purpose in one line."""

    file: Path
    purpose: str


def scenarios() -> dict[str, ScenarioInfo]:
    """The built-in scenarios by name. Their files are read, not run."""
    return {
        path.stem.replace("_", "-"): ScenarioInfo(path, _purpose(path)) for path in sorted(_SCENARIOS.glob("[!_]*.py"))
    }


class Load:
    """A load that runs. `metrics_address` is where Prometheus scrapes it, host:port."""

    def __init__(self, run: RunDirectory, main: Child, workers: list[Child], metrics_port: int) -> None:
        self._run, self._main, self._workers = run, main, workers
        self.metrics_address = f"{HOST}:{metrics_port}"

    async def wait(self) -> None:
        """Until the last viewer has left and everything is saved.

        Raises:
            NeedError: a process of the load broke; shows the end of its log.
        """
        while self._main.alive:
            if any(worker.returncode for worker in self._workers):
                await self.stop()
                break
            await asyncio.sleep(0.05)
        await self._end_workers()
        self._check()

    async def stop(self) -> None:
        """End the load now, orders under way after a few seconds' grace, and save everything. May be repeated."""
        await self._main.stop(grace=_STOP_GRACE)
        await self._end_workers()

    def result(self) -> LoadResult:
        """What the load came to, once it has ended. Raises InputError when it was killed before it could say."""
        return read_result(self._run)

    async def _end_workers(self) -> None:
        await asyncio.gather(*(worker.stop(grace=_STOP_GRACE) for worker in self._workers))

    def _check(self) -> None:
        for child in (*self._workers, self._main):
            if child.returncode:
                raise NeedError(f"{child.name} ended with {child.returncode}; {child.log} ends with:\n{child.tail()}")


async def start(supervisor: Supervisor, spec: LoadSpec, run: RunDirectory, target: Target | None, guard: Guard) -> Load:
    """Start the load, and return when its metrics can be scraped; the first viewers come within a second.

    Raises:
        InputError: the scenario, a figure or the target doesn't fit the others; nothing was started.
        GuardError: more viewers than allowed, or another host; nothing was started.
        NeedError: Locust didn't start; shows the end of its log.
    """
    file = scenario_file(spec.scenario)
    workers = worker_count(spec)
    _check_spec(spec, target, guard, workers)
    config = _configure(spec, run, target, workers)
    env = {VARIABLE: str(config.write(run.path / "load" / "config.json").resolve())}
    base = [sys.executable, "-m", "loadtests.locustfile", "-f", str(file)]
    base += ["--headless", "--loglevel", "WARNING", "--exit-code-on-error", "0"]
    main, helpers = _spawn(supervisor, base, _options(spec, run), env, workers)
    await main.ready(lambda: accepts(HOST, config.metrics_port), timeout=60.0)
    return Load(run, main, helpers, config.metrics_port)


def scenario_file(scenario: str) -> Path:
    """The Locust file of a scenario. Raises InputError when there is none."""
    if scenario.endswith(".py"):
        if not Path(scenario).is_file():
            raise InputError(f"{scenario}: there is no such Locust file")
        return Path(scenario).resolve()
    known = scenarios()
    if scenario not in known:
        raise InputError(f"no scenario '{scenario}'{did_you_mean(scenario, known)}")
    return known[scenario].file


def worker_count(spec: LoadSpec) -> int:
    """How many processes hold viewers; with one, there is no master."""
    if spec.workers == "auto":
        return max(1, min(os.cpu_count() or 1, math.ceil(spec.viewers / VIEWERS_PER_WORKER)))
    return spec.workers


def _check_spec(spec: LoadSpec, target: Target | None, guard: Guard, workers: int) -> None:
    if spec.viewers < 1 or workers < 1:
        raise InputError(f"{spec.viewers} viewers with {workers} workers are no load; give at least one of each")
    if target is None and spec.host is None:
        raise InputError("the load has no target; give --target FILE, or --host URL for a plain Locust file")
    guard.check_viewers(spec.viewers)
    if spec.host is not None:
        guard.check_url(spec.host, "--host")
    if target is None:
        return
    for path, url in target.addresses().items():
        guard.check_url(url, path)
    if target.spec.shop is not None:
        parse_path(target.spec.shop.order.order_id)
    identities, needed = count(target.spec.identities), math.ceil(spec.viewers / workers) * workers
    if identities < needed:
        raise InputError(
            f"{spec.viewers} viewers on {workers} workers need {needed} identities; {target.name} has {identities}"
        )


def _configure(spec: LoadSpec, run: RunDirectory, target: Target | None, workers: int) -> LoadConfig:
    try:
        shape = Shape.model_validate({"name": spec.shape, "over": f"{spec.over:f}s", "duration": f"{spec.duration:f}s"})
    except ValidationError as error:
        raise InputError(f"the shape can't be used: {error.errors()[0]['msg']}") from None
    return LoadConfig(
        run=run.name,
        viewers=spec.viewers,
        shape=shape,
        workers=workers,
        seed=spec.seed if spec.seed is not None else random.randrange(2**31),
        metrics_port=spec.metrics_port or free_port(),
        folder=(run.path / "load").resolve(),
        rooms=spec.rooms,
        target=target,
    )


def _options(spec: LoadSpec, run: RunDirectory) -> list[str]:
    """What Locust is told beside who it is. Failed requests are for the judges: they are no failure of Locust."""
    stats = (run.path / "load" / STATS).resolve().with_suffix("")
    options = ["--only-summary", "--json-file", str(stats), "--stop-timeout", str(STOP_TIMEOUT)]
    return options + (["--host", spec.host] if spec.host is not None else [])


def _spawn(
    supervisor: Supervisor, base: list[str], options: list[str], env: dict[str, str], workers: int
) -> tuple[Child, list[Child]]:
    if workers == 1:
        return supervisor.spawn("load", [*base, *options], env), []
    port = str(free_port())
    lead = ["--master", "--master-bind-host", HOST, "--master-bind-port", port]
    expect = ["--expect-workers", str(workers), "--expect-workers-max-wait", "60"]
    main = supervisor.spawn("load", [*base, *options, *lead, *expect], env)
    follow = [*base, "--worker", "--master-host", HOST, "--master-port", port]
    return main, [supervisor.spawn(f"load-worker-{index}", follow, env) for index in range(workers)]


def _purpose(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
