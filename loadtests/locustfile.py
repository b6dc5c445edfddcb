"""Locust file: what every Locust process of a load runs beside the scenario, and the only one that starts Locust.

`python -m loadtests.locustfile -f SCENARIO ...` takes Locust's own options. The environment variable FLASHCROWD_LOAD
names the configuration; without it this file changes nothing. It adds the session and the metrics, the shape, and an
end at which nothing is lost:

    master, alone: stop() before quit(), because quit() alone waits half a second for the workers' last figures
    worker:        at test_stop, a last report, which arrives before the worker says that it has stopped
"""

from __future__ import annotations

import math
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
import gevent.lock  # type: ignore[import-untyped]
import locust
import locust.main
import locust.stats
from locust import LoadTestShape, argument_parser, events, runners
from locust.env import Environment

from flashcrowd.rundir import write_atomically
from loadtests import users
from loadtests.config import FOLDER, VARIABLE, LoadConfig
from loadtests.crowd.histogram import round_off
from loadtests.crowd.pool import Lane
from loadtests.distribution import Membership, Roll, fetch
from loadtests.metrics import Exporter, Reports, Tally
from loadtests.report import Request
from loadtests.result import SUMMARY, summary
from loadtests.session import Session

REPORT_EVERY = 1.0
"""Seconds between two reports of a worker, so that the master's figures are as fresh as a scrape each second wants."""


def set_up(environment: Environment, runner: runners.Runner, **_: Any) -> None:
    """Join this process to the load that FLASHCROWD_LOAD describes."""
    if (config := _configuration(runner)) is None:
        return
    _raise_file_limit()
    locust.stats.bucket_response_time = round_off  # type: ignore[assignment]  # its documented way to other buckets
    _stop_before_quitting(runner)
    gevent.signal_handler(signal.SIGTERM, _terminate, runner)
    if isinstance(runner, runners.MasterRunner):
        _lead(environment, runner, config)
    elif isinstance(runner, runners.LocalRunner | runners.WorkerRunner):
        _hold_viewers(environment, runner, config)


def _configuration(runner: runners.Runner) -> LoadConfig | None:
    if (path := os.environ.get(VARIABLE)) is not None:
        return LoadConfig.read(Path(path))
    return fetch(runner) if FOLDER in os.environ and isinstance(runner, runners.WorkerRunner) else None


class RunShape(LoadTestShape):
    """Our shape as Locust wants it: asked once a second, for the second to come."""

    abstract = True  # made here, not found by Locust

    runner: runners.Runner

    def __init__(self, config: LoadConfig, runner: runners.Runner) -> None:
        self._config, self.runner = config, runner
        self.reset_time()  # type: ignore[no-untyped-call]

    def tick(self) -> tuple[int, float] | None:
        config = self._config
        elapsed: float = self.get_run_time()  # type: ignore[no-untyped-call]
        if config.shape.at(elapsed, config.viewers) is None:
            return None
        ahead = min(elapsed + 1.0, math.nextafter(config.shape.duration, 0.0))
        wanted = config.shape.at(ahead, config.viewers) or 0
        return wanted, max(1.0, abs(wanted - self.runner.user_count))


def _lead(environment: Environment, runner: runners.MasterRunner, config: LoadConfig) -> None:
    reports = Reports()
    _follow_shape(environment, runner, config)
    roll = Roll(runner, config, reports)
    _export(environment, config, reports.tally, roll.as_dicts)
    _listen(environment.events.worker_report, lambda client_id, data, **_: roll.report(client_id, data))


def _hold_viewers(
    environment: Environment, runner: runners.LocalRunner | runners.WorkerRunner, config: LoadConfig
) -> None:
    index = runner.worker_index
    random.seed(config.seed + index)
    session = Session(config, index, _reporter(environment, lambda: session.tally))
    users.use(session)
    if config.arrivals is not None and not all(issubclass(one, users.CrowdUser) for one in environment.user_classes):
        sys.exit("arrivals need viewers of the crowd; derive the scenario's users from loadtests.users.CrowdUser")

    def tally() -> Tally:
        inside = sum(count for state, count in session.tally.viewers.items() if state != "running")
        session.tally.viewers["running"] = max(0, runner.user_count - inside)
        return session.tally

    def count(name: str, response_time: float | None, exception: Exception | None = None, **_: Any) -> None:
        seconds = response_time / 1e3 if response_time is not None else None
        session.tally.request(name, seconds, exception is not None)

    def finish(**_: Any) -> None:
        session.finish()
        if isinstance(runner, runners.WorkerRunner):
            runner._send_stats()

    _listen(environment.events.request, count)
    _listen(environment.events.test_stop, finish)

    if isinstance(runner, runners.WorkerRunner):
        runners.WORKER_REPORT_INTERVAL = REPORT_EVERY
        member = Membership(runner, config, session.inherit)

        def report(data: dict[str, Any], **_: Any) -> None:
            data["flashcrowd"] = tally().as_dict()
            member.report(data)

        _listen(environment.events.report_to_master, report)
    else:
        _follow_shape(environment, runner, config)
        _export(environment, config, tally)


def _reporter(environment: Environment, tally: Callable[[], Tally]) -> Callable[[Request], None]:
    fire: Any = environment.events.request.fire

    def report(request: Request) -> None:
        fire(
            request_type=request.method,
            name=request.name,
            response_time=None if request.seconds is None else request.seconds * 1e3,
            response_length=request.size,
            exception=request.error,
            context={},
        )
        if request.service is not None:
            tally().service(request.name, request.service)

    return report


def _follow_shape(environment: Environment, runner: runners.Runner, config: LoadConfig) -> None:
    """Ours in any case: a shape inside a plain Locust file could ask for more viewers than the guard has allowed."""
    environment.shape_class = RunShape(config, runner)


def _export(
    environment: Environment, config: LoadConfig, tally: Callable[[], Tally], lost: Callable[[], list[Any]] = list
) -> None:
    Exporter(tally).serve(config.metrics_port)

    def save(**_: Any) -> None:
        write_atomically(config.folder / SUMMARY, summary(tally(), lost()))

    _listen(environment.events.quit, save)


def _listen(hook: Any, listener: Callable[..., None]) -> None:
    """Locust's hooks have no types."""
    hook.add_listener(listener)


def _stop_before_quitting(runner: runners.Runner) -> None:
    """Also lets only one greenlet stop at a time: Locust's SIGTERM handler and its main greenlet both do."""
    quit_at_once, lock = runner.quit, gevent.lock.RLock()

    def stop_and_quit() -> None:
        if isinstance(gevent.getcurrent(), Lane):  # a task quits: it would be interrupted half way through
            gevent.spawn(stop_and_quit)
            return
        with lock:
            runner.stop()
            quit_at_once()

    runner.quit = stop_and_quit  # type: ignore[method-assign]


def _terminate(runner: runners.Runner) -> None:
    """Locust installs its own handler after a headless shape has ended; until then SIGTERM would end it unsaved."""
    if runner.state == runners.STATE_INIT:
        sys.exit(0)
    runner.quit()


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Locust, but deaf to the user's Locust configuration files and variables: our command line says it all."""
    for name in [name for name in os.environ if name.startswith("LOCUST_")]:
        del os.environ[name]
    argument_parser.LocustArgumentParser._open_config_files = lambda self, arguments: []
    locust_main: Any = locust.main.main
    locust_main()


_listen(events.init, set_up)

if __name__ == "__main__":
    main()
