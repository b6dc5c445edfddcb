"""A viewer lives as a Locust user does: a file leaves the same trace, whether Locust's User runs it or CrowdUser."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests import runner

HEAD = """
import os, time
from pathlib import Path
import gevent
from locust import SequentialTaskSet, TaskSet, User, constant, events, tag, task
from locust.exception import RescheduleTask, RescheduleTaskImmediately, StopUser
from loadtests.users import CrowdUser

TRACE = Path(__file__).with_suffix(".trace").open("a", buffering=1)

def note(*words):
    TRACE.write(" ".join(map(str, words)) + "\\n")

@events.user_error.add_listener
def wrong(user_instance, exception, **_):
    note("user_error", type(user_instance).__name__, repr(exception))
"""

ORDER = """
class Walk(SequentialTaskSet):
    wait_time = constant(0.01)

    def on_start(self):
        note("walk starts", type(self.parent).__name__, type(self.user).__name__)

    def on_stop(self):
        note("walk stops")

    @task(3)
    def once(self):
        note("once")

    @task
    class Inner(TaskSet):
        def on_start(self):
            note("inner starts", type(self.parent).__name__)

        def on_stop(self):
            note("inner stops")

        @task
        def back(self):
            note("inner")
            self.interrupt(reschedule=False)

    @task
    def fail(self):
        note("fails")
        raise KeyError("a task")

    @task
    def again(self):
        note("again")
        raise RescheduleTaskImmediately

    @task
    def later(self):
        note("later")
        raise RescheduleTask

    @task
    def pause(self):
        self.user.wait()
        self.wait()
        note("paused")

    @task
    def end(self):
        note("ends")
        self.interrupt()

class Refuses(TaskSet):
    def on_start(self):
        note("refuses")
        self.interrupt()

    @task
    def never(self):
        note("never")

class Queue(TaskSet):
    def on_start(self):
        self.schedule_task(self.second)
        self.schedule_task(Queue.third)

    def second(self):
        note("second")

    def third(self):
        note("third")
        self.interrupt()

    tasks = [second]

class Own(TaskSet):
    def execute_next_task(self):
        note("own way")
        self.interrupt()

    tasks = [lambda self: None]

def leave(self):
    note("leaves")
    raise StopUser()

class Round(SequentialTaskSet):
    tasks = [Walk, Refuses, Queue, Own, leave]

    def on_stop(self):
        note("round stops")

class Viewer(BASE):
    wait_time = constant(0.01)
    tasks = [Round]

    def on_start(self):
        note("on_start")

    def on_stop(self):
        note("on_stop")
"""

STATES = """
class Viewer(BASE):
    wait_time = constant(0.05)

    @task
    def work(self):
        note("task", self.environment.runner.user_count)
        gevent.sleep(1.5)
        note("done")

    def on_stop(self):
        gevent.sleep(0.05)
        note("on_stop")
"""

PARKED = """
class Viewer(BASE):
    wait_time = constant(600)

    @task
    def work(self):
        note("task")

    def on_stop(self):
        note("on_stop")
"""

STUBBORN = """
class Viewer(BASE):
    wait_time = constant(1)

    @task
    def work(self):
        note("task")
        try:
            gevent.sleep(600)
        finally:
            note("unwound")

    def on_stop(self):
        note("on_stop")
"""

CRASH = """
crashed = []

class Viewer(BASE):
    wait_time = constant(0.05)

    def on_start(self):
        if not crashed:
            crashed.append(self)
            note("crashes")
            raise KeyError("on_start")

    @task
    def work(self):
        note("task", self.environment.runner.user_count)

    def on_stop(self):
        note("on_stop")
"""

QUITS = """
class Viewer(BASE):
    wait_time = constant(0.05)

    @task
    def work(self):
        note("quits")
        self.environment.runner.quit()
        gevent.sleep(60)

    def on_stop(self):
        note("on_stop")
"""

TAGS = """
class Viewer(BASE):
    wait_time = constant(0.01)

    @tag("wanted")
    @task
    def wanted(self):
        note("wanted")

    @task
    def unwanted(self):
        note("unwanted")

    @task
    class Some(TaskSet):
        @tag("wanted")
        @task
        def inner(self):
            note("wanted inside")
            self.interrupt()

        @task
        def other(self):
            note("unwanted")
"""

WAVES = """
from locust import LoadTestShape

class Viewer(BASE):
    wait_time = constant(600)

    def on_start(self):
        note("in")

    def on_stop(self):
        note("out")

    @task
    def work(self):
        pass

class Waves(LoadTestShape):
    wanted = [(40, 40), (40, 40), (10, 40), (10, 40), (30, 40), (30, 40), (30, 40)]

    def tick(self):
        number = int(self.get_run_time())
        note("count", self.runner.user_count, dict(self.runner.user_classes_count))
        return self.wanted[number] if number < len(self.wanted) else None
"""


@pytest.fixture
def lives(tmp_path: Path, platform, run, supervisor, spec, guard, monkeypatch):
    """Starts a scenario for one kind of viewer; gives the load and the trace so far."""

    async def start(body: str, base: str, *options: str, **more: object) -> tuple[runner.Load, Callable[[], list[str]]]:
        file = tmp_path / f"{base}.py"
        file.write_text(HEAD + body.replace("BASE", base))
        if options:
            usual = runner._options
            monkeypatch.setattr(runner, "_options", lambda spec, run: [*usual(spec, run), *options])
        load = await runner.start(supervisor, spec(str(file), **more), run, platform.target(), guard)
        trace = file.with_suffix(".trace")
        return load, lambda: trace.read_text().splitlines() if trace.exists() else []

    return start


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


BOTH = pytest.mark.parametrize("base", ["User", "CrowdUser"])


@BOTH
async def test_tasks_task_sets_and_their_ends_follow_each_other_as_in_locust(lives, base):
    load, trace = await lives(ORDER, base, viewers=1, over=0.0, duration=60.0)
    await until(lambda: "on_stop" in trace())
    await load.stop()
    assert trace() == [
        "on_start",
        "walk starts Round Viewer",
        *["once"] * 3,
        "inner starts Walk",
        "inner",
        "inner stops",
        "fails",
        "user_error Walk KeyError('a task')",
        "again",
        "later",
        "paused",
        "ends",
        "walk stops",
        "refuses",
        "second",
        "third",
        "own way",
        "leaves",
        "round stops",
        "on_stop",
    ]


@BOTH
async def test_a_stop_lets_tasks_under_way_end_and_then_says_goodbye(lives, base):
    load, trace = await lives(STATES, base, viewers=2, over=0.0, duration=60.0)
    await until(lambda: sum(line.startswith("task") for line in trace()) == 2)
    await load.stop()
    assert sorted(trace()) == ["done", "done", "on_stop", "on_stop", "task 2", "task 2"]


@BOTH
async def test_a_stop_ends_parked_viewers_at_once(lives, base):
    load, trace = await lives(PARKED, base, viewers=5, over=0.0, duration=60.0)
    await until(lambda: trace() == ["task"] * 5)
    await load.stop()
    assert trace() == ["task"] * 5 + ["on_stop"] * 5


@BOTH
async def test_a_task_that_outlasts_the_stop_timeout_is_interrupted(lives, base):
    load, trace = await lives(STUBBORN, base, "--stop-timeout", "1", viewers=3, over=0.0, duration=60.0)
    await until(lambda: trace() == ["task"] * 3)
    await load.stop()
    assert sorted(trace()) == ["on_stop"] * 3 + ["task"] * 3 + ["unwound"] * 3


@BOTH
async def test_a_viewer_that_fails_to_start_is_lost_and_the_others_go_on(lives, base):
    load, trace = await lives(CRASH, base, viewers=3, over=0.0, duration=60.0)
    await until(lambda: sum(line.startswith("task") for line in trace()) > 6)
    await load.stop()
    assert trace()[:2] == ["crashes", "user_error Viewer KeyError('on_start')"]
    assert "crashes" not in trace()[2:]


async def test_a_task_may_end_the_whole_run(lives):
    load, trace = await lives(QUITS, "CrowdUser", "--stop-timeout", "1", viewers=1, over=0.0, duration=60.0)
    await load.wait()
    assert trace() == ["quits", "on_stop"]


@BOTH
async def test_tags_choose_tasks(lives, base):
    load, trace = await lives(TAGS, base, "--tags", "wanted", viewers=2, over=0.0, duration=60.0)
    await until(lambda: set(trace()) == {"wanted", "wanted inside"})
    await load.stop()
    assert set(trace()) == {"wanted", "wanted inside"}


FOLLOWED = """
import sys

def follow(environment, runner, config):
    environment.shape_class = Waves()
    environment.shape_class.runner = runner

sys.modules["__main__"]._follow_shape = follow  # in the place of the run's own shape
"""


@pytest.mark.slow
@BOTH
async def test_a_shape_that_goes_up_and_down_and_up_has_as_many_viewers_as_it_wants(lives, base):
    load, trace = await lives(WAVES + FOLLOWED, base, viewers=40, over=0.0, duration=60.0)
    await load.wait()
    seen = [line for line in trace() if line.startswith("count")]
    counts = [int(line.split()[1]) for line in seen]
    assert {0, 40, 10, 30} >= set(counts)
    assert counts == sorted(counts[: counts.index(10)]) + sorted(counts[counts.index(10) :])
    assert all(line.endswith(f"{{'Viewer': {count}}}") for line, count in zip(seen, counts, strict=True))
    assert (trace().count("in"), trace().count("out")) == (60, 60)


@pytest.mark.slow
async def test_a_worker_that_dies_leaves_its_viewers_to_the_others(lives, supervisor):
    """Locust's own rebalancing, with handles in the place of greenlets."""
    body = PARKED.replace('note("task")', 'note("task", os.getpid())')
    load, trace = await lives(body, "CrowdUser", "--enable-rebalancing", viewers=6, workers=3, over=0.0, duration=60.0)
    workers = [child for child in supervisor.children if "worker" in child.name]
    await until(lambda: len(trace()) == 6)
    os.kill(workers[0].pid, signal.SIGKILL)
    await until(lambda: len(trace()) == 8, 40)
    pids = [int(line.split()[1]) for line in trace()]
    assert {pids.count(worker.pid) for worker in workers[1:]} == {3}
    await load.stop()
