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
from functools import cache
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
import gevent.lock  # type: ignore[import-untyped]
import gevent.pool  # type: ignore[import-untyped]
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
from loadtests.life import Handle
from loadtests.masked import Masked
from loadtests.metrics import Exporter, Reports, Tally
from loadtests.reach import enforce
from loadtests.requestlog import RequestLog
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
        Holder(environment, runner, config)


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


class Holder:
    """A process that holds viewers, alone or as a worker: ties its session to Locust's events."""

    def __init__(
        self, environment: Environment, runner: runners.LocalRunner | runners.WorkerRunner, config: LoadConfig
    ) -> None:
        random.seed(config.seed + runner.worker_index)
        self._runner = runner
        log = RequestLog(environment, lambda: self._session.tally, self.count)
        self._session = Session(config, runner.worker_index, log)
        enforce(self._session.guard)
        users.use(self._session)
        if config.arrivals is not None and not all(issubclass(one, users.CrowdUser) for one in runner.user_classes):
            sys.exit("arrivals need viewers of the crowd; derive the scenario's users from loadtests.users.CrowdUser")
        stop_parked_at_once(runner)
        _listen(environment.events.test_stopping, self.end)
        _listen(environment.events.test_stop, self.finish)
        if isinstance(runner, runners.WorkerRunner):
            runners.WORKER_REPORT_INTERVAL = REPORT_EVERY
            # A worker works out Locust's defaults anew for each option of each spawn message, which stops its world
            # for 60 ms and more, each second of a ramp.
            argument_parser.default_args_dict = cache(argument_parser.default_args_dict)
            self._member = Membership(runner, config, self._session.inherit)
            _listen(environment.events.report_to_master, self.report)
        else:
            _follow_shape(environment, runner, config)
            _export(environment, config, self.tally)

    def tally(self) -> Tally:
        """What this process has counted, its viewers as they are now."""
        tally = self._session.settled()
        inside = sum(count for state, count in tally.viewers.items() if state != "running")
        tally.viewers["running"] = max(0, self._runner.user_count - inside)
        return tally

    def count(self, name: str, response_time: float | None, exception: Exception | None = None, **_: Any) -> None:
        seconds = None if response_time is None else response_time / 1e3
        self._session.tally.request(name, seconds, exception is not None)

    def end(self, **_: Any) -> None:
        self._session.end()

    def finish(self, **_: Any) -> None:
        self._session.finish()
        if isinstance(self._runner, runners.WorkerRunner):
            self._runner._send_stats()

    def report(self, data: dict[str, Any], **_: Any) -> None:
        data["flashcrowd"] = self.tally().as_dict()
        self._member.report(data)


def stop_parked_at_once(runner: runners.Runner) -> None:
    """Stop parked viewers, and these first, without a greenlet for each: Locust's way, which costs more than they do.

    Those that have something to say (on_stop) get the stop-timeout for it, as any other viewer does.
    """
    stop_the_others = runner.stop_users

    def stop_users(counts: dict[str, int]) -> None:
        left, speaking = dict(counts), gevent.pool.Group()
        for handle in list(runner.user_greenlets):
            name = type(handle.user).__name__ if isinstance(handle, Handle) and handle.parked else ""
            if left.get(name, 0) > 0:
                left[name] -= 1
                handle.kill(block=False)
                if not handle.dead:
                    speaking.add(handle)
        stop_the_others({name: count for name, count in left.items() if count})
        if not speaking.join(timeout=runner.environment.stop_timeout):
            speaking.kill(block=True)

    runner.stop_users = stop_users  # type: ignore[method-assign, assignment]


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
            workers = list(runner.clients) if isinstance(runner, runners.MasterRunner) else []
            runner.stop()
            for worker in workers:  # one that has stopped is unknown for some seconds, in which Locust would forget it
                runner.send_message("quit", None, worker)
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
    sys.stdout, sys.stderr = Masked(sys.stdout), Masked(sys.stderr)
    for name in [name for name in os.environ if name.startswith("LOCUST_")]:
        del os.environ[name]
    argument_parser.LocustArgumentParser._open_config_files = lambda self, arguments: []
    locust_main: Any = locust.main.main
    locust_main()


_listen(events.init, set_up)

if __name__ == "__main__":
    main()
