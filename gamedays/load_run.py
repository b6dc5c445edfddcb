"""Load run: a crowd alone, without faults or SLOs; `flashcrowd load run` in code."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import ExitCode, FlashcrowdError, GuardError, InputError
from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor, require_free
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target, read_target
from flashcrowd.units import format_duration, parse_duration, parse_rate
from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays.orders import judge_orders, known_orders, save_ledger
from gamedays.reachable import reachable
from loadtests import runner
from loadtests.reach import guard_of
from loadtests.result import LoadResult, read_result
from loadtests.shapes import ShapeName

SHAPES: dict[str, ShapeName] = {name: name for name in get_args(ShapeName)}
RAMP = 2_000
"""Viewers a second that arrive unless --over says otherwise: a handshake costs a server of this kind about 0.3 ms."""

MISSED_SHARE = 0.01
"""Share of the arrivals that may be late or dropped before the demand is not the one that was asked for."""

RUSH_LIMIT = 1.0
"""Seconds late, at p99, within which a rush is still the rush of people: their reaction times spread as far."""

FAILED = 0.01
"""Share of failed requests beyond which a load alone has failed: it has no SLO that could say better."""

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
    viewers: int,
    shape: str,
    duration: str,
    over: str | None,
    workers: str,
    host: str | None,
    metrics_port: int | None,
    arrivals: str | None = None,
    bind: str | None = None,
    expect_workers: int = 0,
) -> runner.LoadSpec:
    """The load as texts of a command line describe it. Raises InputError when one of them is wrong."""
    seconds = _positive("--duration", _seconds("--duration", duration))
    if shape not in SHAPES:
        raise InputError(f"--shape: no shape '{shape}'{did_you_mean(shape, SHAPES)}")
    if bind is not None and not expect_workers:
        raise InputError("--bind is for workers of other machines; say how many with --expect-workers N")
    if expect_workers and bind is None:
        raise InputError("--expect-workers: say with --bind HOST:PORT where they find the master")
    return runner.LoadSpec(
        scenario=scenario,
        viewers=viewers,
        shape=SHAPES[shape],
        over=_seconds("--over", over) if over is not None else min(max(10.0, viewers / RAMP), seconds / 2),
        duration=seconds,
        workers=_workers(workers),
        metrics_port=metrics_port,
        host=host,
        arrivals=_rate("--arrivals", arrivals),
        bind=bind,
        elsewhere=expect_workers,
    )


async def play(
    spec: runner.LoadSpec, target_file: Path | None, allow_production: str | None, out: Path, tell: Tell
) -> LoadRun:
    """Run the load to its end or its interruption, and compare its orders with the target's ledger where there is one.

    Raises:
        InputError, GuardError: nothing was started. NeedError: the load broke.
    """
    target = read_target(target_file) if target_file is not None else None
    if target is None and spec.scenario in runner.scenarios():
        raise InputError(
            f"{spec.scenario} needs to know a chat and a shop: give --target FILE; --host is for plain Locust"
        )
    guard = Guard.of(target, allow_production) if target is not None else guard_of(None)
    ledger = target is not None and target.spec.shop is not None and target.spec.shop.ledger is not None
    guard.check_viewers(spec.viewers)
    if target is not None:
        await reachable(target, guard)
    before = await known_orders(target, guard) if target is not None and ledger else frozenset()
    spec = _where_it_is_scraped(spec, target)
    if spec.metrics_port is not None:
        require_free(runner.HOST, spec.metrics_port, "the load's metrics")
    run = RunDirectory.create(out, f"load-{Path(spec.scenario).stem}")
    run.write_json("manifest.json", {"run": run.name, "scenario": spec.scenario, "viewers": spec.viewers})
    interrupted = False
    async with Supervisor(run.path / "logs") as supervisor:
        load = await _start(supervisor, spec, run, target, guard)
        tell(
            f"{spec.viewers:,} viewers for {format_duration(spec.duration)}; metrics at http://{load.metrics_address}/metrics"
        )
        try:
            await load.wait()
        except asyncio.CancelledError:
            interrupted = True
        await load.stop()
        if target is not None and ledger:
            await save_ledger(run, target, guard, before)
    ended = _judge(run, ledger, interrupted)
    run.write_json("verdict.json", ended.verdict.as_dict())
    return ended


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


def text(ended: LoadRun) -> str:
    """The requests by name, the orders, and what it comes to; 80 columns."""
    lines = []
    if ended.result is not None:
        lines.append(f"{'request':<24}{'count':>9}{'failed':>9}{'p50':>10}{'p95':>10}{'p99':>10}")
        for row in ended.result.requests:
            times = "".join(f"{value * 1000:>7.0f} ms" for value in (row.p50, row.p95, row.p99))
            lines.append(f"{row.name[:23]:<24}{row.requests:>9,}{row.failures:>9,}{times}")
        lines.append("")
    lines += [f"{finding.outcome:<13} {finding.name}: {finding.message}" for finding in ended.verdict.findings]
    how = "interrupted; what there is" if ended.interrupted else ended.verdict.outcome.value
    return "\n".join([*lines, "", f"{how}: {ended.run.path}"])


def _judge(run: RunDirectory, ledger: bool, interrupted: bool) -> LoadRun:
    try:
        result = read_result(run)
    except FlashcrowdError as error:
        return LoadRun(run, None, Verdict((Finding("load/activity", Outcome.INCONCLUSIVE, str(error)),)), interrupted)
    findings = [_activity(result), _trust(result), *_arrivals(result), *_rushes(result), *_lost(result)]
    if ledger:
        findings += judge_orders(run).findings
    return LoadRun(run, result, Verdict(tuple(findings)), interrupted)


def _where_it_is_scraped(spec: runner.LoadSpec, target: Target | None) -> runner.LoadSpec:
    """The load with its metrics where the target's Prometheus looks for them, unless another port was asked for."""
    prometheus = target.spec.prometheus if target is not None else None
    if spec.metrics_port is not None or prometheus is None or prometheus.scrapes_load_at is None:
        return spec
    return replace(spec, metrics_port=prometheus.load_port)


def _activity(result: LoadResult) -> Finding:
    if not result.total:
        return Finding("load/activity", Outcome.INCONCLUSIVE, "no request was made")
    message = f"{result.total:,} requests, {result.failures:,} failed"
    missed = result.failures > FAILED * result.total
    return Finding("load/activity", Outcome.FAIL if missed else Outcome.PASS, message)


def _trust(result: LoadResult) -> Finding:
    lag = f"generator lag p99 {result.lag_p99 * 1000:.0f} ms"
    if result.saturated_seconds:
        message = f"{lag}; saturated for {result.saturated_seconds} s: its figures can't be trusted"
        return Finding("crowd/trust", Outcome.INCONCLUSIVE, message)
    return Finding("crowd/trust", Outcome.PASS, f"{lag}: its measurements can be trusted")


def _arrivals(result: LoadResult) -> list[Finding]:
    """How the schedule was kept; another demand than the one asked for is no ground for a verdict."""
    counts, late = result.arrivals, result.times.get("arrival lag", {})
    if not (planned := counts.get("planned", 0)):
        return []
    message = (
        f"{planned:,} arrivals planned, {counts['started']:,} started, {counts['late']:,} of them late, "
        f"{counts['dropped']:,} dropped; lateness {_quantiles(late)}"
    )
    kept = counts["late"] + counts["dropped"] <= MISSED_SHARE * planned
    return [Finding("crowd/arrivals", Outcome.PASS if kept else Outcome.INCONCLUSIVE, message, dict(counts))]


def _rushes(result: LoadResult) -> list[Finding]:
    """How late the generator was when everybody wanted to start."""
    if not result.rushes:
        return []
    late = result.times["rush lag"]
    outcome = Outcome.PASS if late["p99"] <= RUSH_LIMIT else Outcome.INCONCLUSIVE
    message = f"{result.rushes:,} rushes began after event and reaction time by {_quantiles(late)}"
    return [Finding("crowd/rush", outcome, message, dict(late))]


def _lost(result: LoadResult) -> list[Finding]:
    return [
        Finding(
            "crowd/worker",
            Outcome.INCONCLUSIVE,
            f"{lost['name']} {lost['reason']} with {lost['viewers']:,} viewers; the other workers took them over",
            dict(lost),
        )
        for lost in result.lost_workers
    ]


def _quantiles(times: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {times[name] * 1000:.0f} ms" for name in ("p50", "p99", "max"))


def _rate(option: str, value: str | None) -> float | None:
    try:
        rate = parse_rate(value) if value is not None else None
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None
    if rate == 0:
        raise InputError(f"{option}: no arrivals at all are no load; leave it out")
    return rate


def _seconds(option: str, value: str) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None


def _positive(option: str, seconds: float) -> float:
    if seconds <= 0:
        raise InputError(f"{option}: nobody comes for 0s; write 30s, say")
    return seconds


def _workers(value: str) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    if not value.isdigit() or int(value) < 1:
        raise InputError(f"--workers: '{value}' is neither auto nor a number from 1")
    return int(value)
