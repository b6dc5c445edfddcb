"""Runner: starts a load as Locust child processes, waits for it, and stops it so that nothing it saw is lost.

Locust patches the process that imports it, so it lives in children alone: one that holds all viewers, or a master and
workers, each a direct child of ours.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import math
import random
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ValidationError

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import Child, Supervisor, accepts, free_port
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from loadtests import people
from loadtests.config import FAMILY, VARIABLE, WORKER, LoadConfig
from loadtests.crowd.sources import missing
from loadtests.identities import count
from loadtests.needs import lacking
from loadtests.paths import parse_path
from loadtests.result import STATS, LoadResult, read_result
from loadtests.rooms import HEAD
from loadtests.shapes import STEPS, Point, Shape, ShapeName
from loadtests.split import cores, is_loopback, open_files, ports, too_many, workers_for

HOST = "127.0.0.1"
ANY = "0.0.0.0"
STOP_TIMEOUT = 3
"""Seconds that Locust gives tasks under way at the end (its --stop-timeout): an order should get its answer."""

START = 60.0
"""Seconds that the first worker may take to start; each further one gets START_MORE, as they share the cores."""

START_MORE = 5.0

_STOP_GRACE = 30.0
_SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class LoadSpec:
    """A load as it is asked for.

    scenario: a name of `scenarios()`, or the path of a Locust file. over, duration, stay: seconds of the shape; steps,
    points: as of `Shape`. host: for a plain Locust file without a target, the base URL that Locust's --host gives.
    rooms: their names, the most popular first. seed: of all that viewers do by chance.
    workers: processes here. elsewhere: workers that other machines add (`flashcrowd load worker`); with them, `auto` is
    none here. bind: host:port where the master listens; a free port of the loopback address if not given. arrivals: a
    second, at the peak; None leaves it to the viewers.
    """

    scenario: str
    viewers: int
    shape: ShapeName = "ramp"
    over: float = 10.0
    duration: float = 60.0
    steps: int = STEPS
    stay: float = people.STAY
    points: tuple[Point, ...] = ()
    workers: int | Literal["auto"] = "auto"
    metrics_port: int | None = None
    host: str | None = None
    rooms: tuple[str, ...] = (HEAD,)
    seed: int | None = None
    arrivals: float | None = None
    bind: str | None = None
    elsewhere: int = 0


@dataclass(frozen=True)
class ScenarioInfo:
    """A built-in scenario: where it is, and its purpose in one line."""

    file: Path
    purpose: str


def new_seed() -> int:
    """A seed for a load of which nobody asked for a certain one."""
    return random.randrange(2**31)


def scenarios() -> dict[str, ScenarioInfo]:
    """The built-in scenarios by name. Their files are read, not run."""
    return {
        path.stem.replace("_", "-"): ScenarioInfo(path, _purpose(path)) for path in sorted(_SCENARIOS.glob("[!_]*.py"))
    }


class Load:
    """A load that runs. `metrics_address` is where Prometheus scrapes it, host:port."""

    def __init__(self, run: RunDirectory, main: Child, workers: list[Child], config: LoadConfig) -> None:
        self._run, self._main, self._workers, self._config = run, main, workers, config
        self.metrics_address = f"{HOST}:{config.metrics_port}"

    async def wait(self) -> None:
        """Until the last viewer has left and everything is saved. A worker that is lost on the way is in the result.

        Raises:
            NeedError: the load broke, or a worker before it began; shows the end of its log.
        """
        while self._main.alive:
            lost = [worker for worker in self._workers if worker.returncode]  # asks all: none may stay a zombie
            if lost and (len(lost) == self._config.workers or not self._began()):
                await self.stop()
                break
            await asyncio.sleep(0.05)
        await self._end_workers()
        self._check()

    def _began(self) -> bool:
        return sum(1 for _ in self._config.folder.glob("history-*.jsonl")) >= self._config.workers

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
        known = set[str]()
        with contextlib.suppress(InputError):
            known = {str(worker["name"]) for worker in self.result().lost_workers}
        broken = [worker for worker in self._workers if worker.returncode]
        if len(broken) < self._config.workers:
            broken = [worker for worker in broken if worker.name not in known]
        for child in (*broken, self._main):
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
    local = worker_count(spec, target)
    workers = local + spec.elsewhere
    _check_spec(spec, target, guard, workers)
    config = _configure(spec, run, target, workers)
    env = {VARIABLE: str(config.write(run.path / "load" / "config.json").resolve())}
    base = [sys.executable, "-m", "loadtests.locustfile", "-f", str(file)]
    base += ["--headless", "--loglevel", "WARNING", "--exit-code-on-error", "0"]
    if workers == 1 and not spec.elsewhere:
        main, helpers = supervisor.spawn("load", [*base, *_options(spec, run)], env), list[Child]()
    else:
        main, helpers = _spawn(supervisor, base, _options(spec, run), env, spec, local)
    await main.ready(lambda: accepts(HOST, config.metrics_port), timeout=START + START_MORE * workers)
    return Load(run, main, helpers, config)


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


def address(text: str, option: str) -> tuple[str, int]:
    """Host and port of `10.0.0.1:5557`. Raises InputError for anything else."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise InputError(f"{option}: '{text}' is no address; write it like 10.0.0.1:5557")
    return host.strip("[]"), int(port)


def worker_count(spec: LoadSpec, target: Target | None = None) -> int:
    """How many processes of this machine hold viewers; with one alone, there is no master."""
    if spec.workers != "auto":
        return spec.workers
    shop = target.spec.shop if target is not None else None
    sockets = 1 if shop is None or shop.connections == "shared" else 2
    return 0 if spec.elsewhere else workers_for(spec.viewers, cores(), open_files(), sockets)


def _check_spec(spec: LoadSpec, target: Target | None, guard: Guard, workers: int) -> None:
    if spec.viewers < 1 or workers < 1:
        raise InputError(f"{spec.viewers} viewers with {workers} workers are no load; give at least one of each")
    if target is None and spec.host is None:
        raise InputError("the load has no target; give --target FILE, or --host URL for a plain Locust file")
    if spec.shape == "steps" and spec.steps > spec.viewers:
        raise InputError(f"{spec.steps} steps for {spec.viewers} viewers; give a viewer at least for each step")
    if spec.viewers < len(spec.rooms):
        raise InputError(f"{len(spec.rooms)} rooms for {spec.viewers} viewers; give a viewer at least for each room")
    guard.check_viewers(spec.viewers)
    if spec.host is not None:
        guard.check_url(spec.host, "--host")
    if target is None:
        return
    if missing_parts := lacking(scenario_file(spec.scenario), target):
        raise InputError(f"{spec.scenario} needs {', '.join(missing_parts)}, which target {target.name} doesn't have")
    for path, url in target.addresses().items():
        guard.check_url(url, path)
    _check_sources(spec, target, workers)
    if target.spec.shop is not None:
        parse_path(target.spec.shop.order.order_id)
    if target.spec.draw is not None:
        parse_path(target.spec.draw.prize, "prize")
    identities, needed = count(target.spec.identities), math.ceil(spec.viewers / workers) * workers
    if identities < needed:
        raise InputError(
            f"{spec.viewers} viewers on {workers} workers need {needed} identities; {target.name} has {identities}"
        )


def _check_sources(spec: LoadSpec, target: Target, workers: int) -> None:
    """Raise InputError when the viewers of this machine can't all have a port, by the addresses that they come from."""
    sources = [str(one) for one in target.spec.connect_from]
    if (wrong := missing(sources)) is not None:
        raise InputError(f"spec.connect_from: {wrong} is no address of this machine; list its own, or none")
    host = urlsplit(target.spec.live.url).hostname if target.spec.live is not None else None
    here = math.ceil(spec.viewers * (workers - spec.elsewhere) / workers)
    if host is None or (sys.platform == "linux" and is_loopback(host)):
        return
    if (why := too_many(here, sources, ports())) is not None:
        raise InputError(why)


def _configure(spec: LoadSpec, run: RunDirectory, target: Target | None, workers: int) -> LoadConfig:
    try:
        shape = Shape.model_validate(
            {
                "name": spec.shape,
                "over": f"{spec.over:f}s",
                "duration": f"{spec.duration:f}s",
                "steps": spec.steps,
                "stay": f"{spec.stay:f}s",
                "points": spec.points,
            }
        )
    except ValidationError as error:
        raise InputError(f"the shape can't be used: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    return LoadConfig(
        run=run.name,
        viewers=spec.viewers,
        shape=shape,
        workers=workers,
        arrivals=spec.arrivals,
        seed=spec.seed if spec.seed is not None else new_seed(),
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
    supervisor: Supervisor, base: list[str], options: list[str], env: dict[str, str], spec: LoadSpec, local: int
) -> tuple[Child, list[Child]]:
    """A master and its workers here."""
    host, port = address(spec.bind, "--bind") if spec.bind is not None else (HOST, free_port())
    env = {**env, FAMILY: secrets.token_hex(8)}
    workers, patience = local + spec.elsewhere, START + START_MORE * local
    lead = ["--master", "--master-bind-host", host, "--master-bind-port", str(port), "--enable-rebalancing"]
    expect = ["--expect-workers", str(workers), "--expect-workers-max-wait", str(int(patience if local else 3600))]
    main = supervisor.spawn("load", [*base, *options, *lead, *expect], env)
    follow = [*base, "--worker", "--master-host", HOST if host == ANY else host, "--master-port", str(port)]
    names = [f"load-worker-{index}" for index in range(local)]
    return main, [supervisor.spawn(name, follow, {**env, WORKER: name}) for name in names]


def _purpose(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]
