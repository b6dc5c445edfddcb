"""Load run: a crowd alone, without faults or SLOs; `flashcrowd load run` in code."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from flashcrowd.errors import ExitCode, FlashcrowdError, GuardError, InputError
from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor, require_free
from flashcrowd.rundir import FORMAT, RunDirectory
from flashcrowd.seal import damage, lacking, seal
from flashcrowd.target import Target, read_target
from flashcrowd.units import format_duration, parse_rate
from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays.judging import load_findings
from gamedays.judging.orders import doubt_of_books, judge_orders, judge_others
from gamedays.plan import DrawPlan, SalePlan
from gamedays.planning.reachable import reachable
from gamedays.playing.books import known_orders, save_books
from gamedays.playing.schedule import Schedule
from gamedays.report.observed import behaviour, picture
from gamedays.report.room_lines import room_lines
from gamedays.verbs.load_shape import ShapeWords, shaped
from loadtests import runner
from loadtests.needs import needs
from loadtests.reach import guard_of
from loadtests.result import LoadResult, read_result
from loadtests.rooms import room_names

Tell = Callable[[str], None]


@dataclass(frozen=True)
class LoadRun:
    """A load that is over. `result` is None when it left none."""

    run: RunDirectory
    result: LoadResult | None
    verdict: Verdict
    interrupted: bool

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.INTERRUPTED if self.interrupted else self.verdict.outcome.exit_code


def spec(
    scenario: str,
    viewers: int | None,
    shape: str | None,
    duration: str | None,
    over: str | None,
    workers: str,
    host: str | None,
    metrics_port: int | None,
    arrivals: str | None = None,
    bind: str | None = None,
    expect_workers: int = 0,
    steps: int | None = None,
    stay: str | None = None,
    trace: Path | None = None,
    rooms: int = 1,
    seed: int | None = None,
) -> runner.LoadSpec:
    """The load as texts of a command line describe it. Raises InputError when one of them is wrong."""
    if bind is not None and not expect_workers:
        raise InputError("--bind is for workers of other machines; say how many with --expect-workers N")
    if expect_workers and bind is None:
        raise InputError("--expect-workers: say with --bind HOST:PORT where they find the master")
    load = runner.LoadSpec(
        scenario=scenario,
        viewers=1,
        workers=_workers(workers),
        metrics_port=metrics_port,
        host=host,
        rooms=room_names(rooms),
        arrivals=_rate("--arrivals", arrivals),
        bind=bind,
        elsewhere=expect_workers,
        seed=seed if seed is not None else runner.new_seed(),
    )
    return shaped(load, ShapeWords(viewers, shape, duration, over, steps, stay, trace))


async def play(
    spec: runner.LoadSpec,
    target_file: Path | None,
    allow_production: str | None,
    out: Path,
    tell: Tell,
    sale: SalePlan | None = None,
    draw: DrawPlan | None = None,
) -> LoadRun:
    """Run the load to its end or its interruption, and compare its orders with the target's ledger where there is one.

    sale, draw: what is scheduled at the target meanwhile.

    Raises:
        InputError, GuardError: nothing was started. NeedError: the load broke.
    """
    target = read_target(target_file) if target_file is not None else None
    if target is None and spec.scenario in runner.scenarios():
        raise InputError(f"{spec.scenario} needs a target: give --target FILE; --host is for plain Locust")
    guard = Guard.of(target, allow_production) if target is not None else guard_of(None)
    orders = target is not None and target.spec.shop is not None and target.spec.shop.ledger is not None
    orders = orders and _orders(spec.scenario)
    if target is None and (sale is not None or draw is not None):
        raise InputError("--sale and --draw are scheduled at a target; give --target FILE")
    guard.check_viewers(spec.viewers)
    if target is not None:
        await reachable(target, guard)
    before = await known_orders(target, guard) if target is not None and orders else None
    target = target.limited(sale.limit) if target is not None and sale is not None else target
    spec = _where_it_is_scraped(spec, target)
    if spec.metrics_port is not None:
        require_free(runner.HOST, spec.metrics_port, "the load's metrics")
    run = RunDirectory.create(out, f"load-{Path(spec.scenario).stem}")
    run.write_json("manifest.json", _manifest(run, spec, target, orders))
    async with Supervisor(run.path / "logs") as supervisor:
        schedule = _schedule(sale, draw, target, guard, run)
        load = await _start(supervisor, spec, run, target, guard)
        tell(
            f"{spec.viewers:,} viewers for {format_duration(spec.duration)}; metrics at http://{load.metrics_address}/metrics"
        )
        try:
            await _together(load, schedule)
        except asyncio.CancelledError:
            run.record("load", "interrupted")
        await load.stop()
        if target is not None:
            await save_books(run, target, guard, before)
    seal(run)
    return judge(run.path)


def judge(path: Path) -> LoadRun:
    """Judge the run directory of a load and write its `verdict.json`. Raises InputError when it isn't one."""
    run = RunDirectory.open(path)
    manifest = run.manifest()
    ended = _judge(run, bool(manifest.get("orders")), bool(run.events("load", "interrupted")))
    run.write_json("verdict.json", ended.verdict.as_dict())
    return ended


def write_report(ended: LoadRun) -> Path:
    """Write `report.html`; its path."""
    from gamedays.report import load_page  # draws, which a load itself does not

    return ended.run.write_text(
        "report.html", load_page.write(ended.run, ended.result, ended.verdict, ended.interrupted)
    )


def _manifest(run: RunDirectory, spec: runner.LoadSpec, target: Target | None, orders: bool) -> dict[str, Any]:
    """What the run is made of. Secrets are still `${env.NAME}` there. orders: whether they have to be checked."""
    described = target.model_dump(mode="json", by_alias=True) if target is not None else None
    facts = {"format": FORMAT, "run": run.name, "scenario": spec.scenario, "viewers": spec.viewers, "seed": spec.seed}
    return {**facts, "target": described, "orders": orders}


def _schedule(
    sale: SalePlan | None, draw: DrawPlan | None, target: Target | None, guard: Guard, run: RunDirectory
) -> Schedule | None:
    """What is scheduled beside the load. Where it can't be, no run directory is left of that."""
    if target is None:
        return None
    try:
        return Schedule(sale, draw, target, guard, run)
    except InputError:
        shutil.rmtree(run.path, ignore_errors=True)
        raise


async def _together(load: runner.Load, schedule: Schedule | None) -> None:
    """The load to its end, and beside it what is scheduled. Raises NeedError when either breaks."""
    tasks = [asyncio.create_task(load.wait())]
    if schedule is not None:
        tasks.append(asyncio.create_task(schedule.play(time.time())))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _orders(scenario: str) -> bool:
    """Whether orders may come of it: its file says that it needs a shop, or doesn't say what it needs."""
    needed = needs(runner.scenario_file(scenario))
    return "shop" in needed or not needed


async def _start(
    supervisor: Supervisor, spec: runner.LoadSpec, run: RunDirectory, target: Target | None, guard: Guard
) -> runner.Load:
    """The load, started. Where it can't be for wrong input, nothing happened, and no run directory is left of that."""
    try:
        return await runner.start(supervisor, spec, run, target, guard)
    except InputError as error:
        shutil.rmtree(run.path, ignore_errors=True)
        if target is not None or not isinstance(error, GuardError) or urlsplit(spec.host).hostname is None:
            raise
        remedy = "a load without a target may touch this machine alone; give --target FILE, which allows it"
        raise GuardError(f"--host: {spec.host} is elsewhere, and {remedy}") from None


def summary(ended: LoadRun, as_json: bool = False) -> str:
    """What goes to standard output: the figures for people, or the verdict for machines."""
    if as_json:
        return json.dumps({"run": str(ended.run.path), **ended.verdict.as_dict()}, indent=2, ensure_ascii=False)
    return text(ended)


def text(ended: LoadRun) -> str:
    """The requests by name, the orders, and what it comes to; 80 columns."""
    lines = []
    if ended.result is not None:
        lines.append(f"{'request':<24}{'count':>9}{'failed':>9}{'p50':>10}{'p95':>10}{'p99':>10}")
        for row in ended.result.requests:
            times = "".join(f"{value * 1000:>7.0f} ms" for value in (row.p50, row.p95, row.p99))
            lines.append(f"{row.name[:23]:<24}{row.requests:>9,}{row.failures:>9,}{times}")
        lines += ["", *picture(ended.result.stream), *behaviour(ended.result.behaviour)]
        lines += room_lines(ended.result.rooms)
    lines += [f"{finding.outcome:<13} {finding.name}: {finding.message}" for finding in ended.verdict.findings]
    how = "interrupted; what there is" if ended.interrupted else ended.verdict.outcome.value
    return "\n".join([*lines, "", f"{how}: {ended.run.path}"])


def _judge(run: RunDirectory, orders: bool, interrupted: bool) -> LoadRun:
    try:
        result = read_result(run)
    except FlashcrowdError as error:
        finding = Finding("load/activity", Outcome.INCONCLUSIVE, run.told(error))
        return LoadRun(run, None, Verdict((finding,)), interrupted)
    damaged = damage(run)
    whole = lacking(run, damaged)
    found = [] if whole is None else [Finding("load/evidence", Outcome.INCONCLUSIVE, whole)]
    made = judge_orders(run, doubt_of_books(run, damaged)).findings if orders else judge_others(run)
    found += [*load_findings.findings(result), *made]
    return LoadRun(run, result, Verdict(tuple(found)), interrupted)


def _where_it_is_scraped(spec: runner.LoadSpec, target: Target | None) -> runner.LoadSpec:
    """The load with its metrics where the target's Prometheus looks for them, unless another port was asked for."""
    prometheus = target.spec.prometheus if target is not None else None
    if spec.metrics_port is not None or prometheus is None or prometheus.scrapes_load_at is None:
        return spec
    return replace(spec, metrics_port=prometheus.load_port)


def _rate(option: str, value: str | None) -> float | None:
    try:
        rate = parse_rate(value) if value is not None else None
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None
    if rate == 0:
        raise InputError(f"{option}: no arrivals at all are no load; leave it out")
    return rate


def _workers(value: str) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    if not value.isdigit() or int(value) < 1:
        raise InputError(f"--workers: '{value}' is neither auto nor a number from 1")
    return int(value)
