"""Every query of every dashboard, asked of a real Prometheus during a small rehearsal with a fault in it.

No Grafana can be installed here: what it does with a dashboard (variables, `$__rate_interval`, annotation queries) is
done by hand, as its documentation says.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import re
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chaos.fault_run import fault, inject
from chaos.progress import Progress
from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor
from flashcrowd.rundir import RunDirectory, write_atomically
from gamedays import embedded
from gamedays.verbs.standing import _yaml
from loadtests import runner
from monitors import rules, slo_files, windows
from monitors.dashboards import provisioning
from monitors.prometheus import Prometheus, Series

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SLOS = ("storefront", "stream", "behaviour", "viewers")
POLICIES = ("google-30d", "rehearsal")
FAULT_FOR = 8.0
SCENARIO = """
from loadtests.users import CrowdUser, between, phrase, task


class Viewer(CrowdUser):
    wait_time = between(0.5, 1)

    def on_start(self):
        self.room = self.live.enter(self.identity)
        self.stream.watch(self.room.name)

    @task
    def say_and_buy(self):
        self.room.say(phrase())
        self.behaviour.note("click")
        self.shop.order("mug-01")
"""


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal that is over, its Prometheus still there. start, end: unix seconds. told: what injecting told."""

    prometheus: Prometheus
    start: float
    end: float
    told: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rehearsal]:
    if shutil.which("prometheus") is None:
        pytest.skip("no Prometheus here")
    folder = tmp_path_factory.mktemp("dashboards")
    (scenario := folder / "busy.py").write_text(SCENARIO)
    slos = slo_files.load(SLOS).slos
    groups = [rules.rule_file(slos, windows.find(policy), interval=1) for policy in POLICIES]
    (rule_file := folder / "rules.yaml").write_text(groups[0] + groups[1].removeprefix("groups:\n"))
    for name in ("logs", "work"):
        (folder / name).mkdir()
    async with Supervisor(folder / "logs") as supervisor:
        target = await embedded.start(supervisor, folder / "work", rule_file)
        write_atomically(folder / "target.yaml", _yaml(target))
        assert target.spec.prometheus is not None
        spec = runner.LoadSpec(str(scenario), 40, duration=60, over=1, metrics_port=target.spec.prometheus.load_port)
        run, start = RunDirectory.create(folder / "runs", "dashboards"), time.time()
        load = await runner.start(supervisor, spec, run, target, Guard.of(target))
        async with Prometheus(target.prometheus_url or "") as prometheus:
            await _until(prometheus, 'sum(flashcrowd_viewers{state="connected"}) == 40')
            await _until(prometheus, "sum(flashcrowd_event_freshness_seconds_count) > 0")
            told = await _break(folder / "target.yaml")
            yield Rehearsal(prometheus, start, time.time(), told)
        await load.stop()


async def _break(target: Path) -> list[str]:
    """A fault by hand, as `flashcrowd chaos inject` does it; what it told."""
    told = list[str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLASHCROWD_STATE", str(target.parent / "state"))
        patch.setattr(Progress, "line", lambda _, text: told.append(text))
        with Progress() as progress:
            broken = fault("network.latency", "inventory", f"{FAULT_FOR:g}s", ["delay=800ms"])
            assert await inject(broken, target, None, progress)
    return told


async def _until(prometheus: Prometheus, condition: str) -> None:
    until = time.monotonic() + 40
    while not await prometheus.query(condition):
        assert time.monotonic() < until, condition
        await asyncio.sleep(0.2)


def boards(policy: str) -> dict[str, dict[str, Any]]:
    slos = slo_files.load(SLOS).slos
    made = provisioning.dashboards(slos, windows.find(policy), "https://example.org/runbooks")
    return {name: json.loads(content) for name, content in made.items()}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def filled(query: str, window: str) -> str:
    """The query as Grafana sends it with every variable at All, and this window."""
    query = query.replace("$__rate_interval", "10s").replace("$window", window)
    return re.sub(r"\$(service|name|fault|on)\b", ".*", query)


def has_data(series: list[Series]) -> bool:
    return any(math.isfinite(value) for one in series for _, value in one.points)


@pytest.mark.parametrize("policy", POLICIES)
async def test_every_panel_has_data_during_a_rehearsal(rehearsal, policy):
    asked = 0
    for name, board in boards(policy).items():
        options = [it["value"] for one in board["templating"]["list"] for it in one.get("options") or []] or ["-"]
        for panel in panels(board):
            for target in panel["targets"]:
                for window in options if "$window" in target["expr"] else options[:1]:
                    query = filled(target["expr"], window)
                    assert "$" not in query
                    series = await rehearsal.prometheus.query_range(query, rehearsal.start, rehearsal.end, 1)
                    assert has_data(series), f"{name}: {panel['title']}: {query}"
                    asked += 1
    assert asked > 50


async def test_labels_of_a_legend_are_labels_of_its_series(rehearsal):
    for board in boards("rehearsal").values():
        for panel in panels(board):
            for target in panel["targets"]:
                wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                query = filled(target["expr"], "20s")
                for one in await rehearsal.prometheus.query_range(query, rehearsal.start, rehearsal.end, 1):
                    assert wanted <= set(one.labels), f"{panel['title']}: {query}"


async def test_every_variable_finds_its_values(rehearsal):
    for board in boards("rehearsal").values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()
                found = await rehearsal.prometheus.query_range(metric, rehearsal.start, rehearsal.end, 1)
                assert all(one.labels.get(label) for one in found)
                assert found


async def test_the_window_of_a_fault_is_an_annotation(rehearsal):
    (annotation,) = [it for it in boards("rehearsal")["faults.json"]["annotations"]["list"] if it["name"] == "Faults"]
    assert annotation["expr"] == annotation["target"]["expr"]
    (window,) = await rehearsal.prometheus.query_range(annotation["expr"], rehearsal.start, rehearsal.end, 1)
    assert dict(window.labels) == {"fault": "network.latency", "on": "inventory"}
    points = [at for at, _ in window.points]
    assert points[-1] - points[0] >= FAULT_FOR - 4
    assert max(later - earlier for earlier, later in itertools.pairwise(points)) < 2.5  # one region
    assert points[-1] < rehearsal.end
    before = await rehearsal.prometheus.query('sum(up{job="flashcrowd-faults"})', rehearsal.end)
    assert before
    assert not any("won't show" in line for line in rehearsal.told)
