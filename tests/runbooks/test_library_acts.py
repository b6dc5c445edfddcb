"""The built-in runbooks on the real storefront: what they ask for is there, and what they do is done and taken back."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import promql_parser
import psutil
import pytest
import pytest_asyncio
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor
from flashcrowd.target import Target
from gamedays import embedded
from loadtests.metrics import Exporter, Tally
from monitors import library, slo_files
from monitors.prometheus import Prometheus
from monitors.promql import nodes
from runbooks.catalogue import builtin_names, find
from runbooks.expectation import Comparison
from runbooks.model import Heading, HttpStep, PromqlStep, Step
from runbooks.request import send

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

SETS = {
    "reserve-blocks": ("max(shop_reservation_blocks)", 1.0),
    "hold-buyers": ("max(shop_waiting_room_rate)", 20.0),
    "slow-mode": ("min(live_slow_mode_seconds)", 5.0),
    "sample": ("max(live_sampling_share)", 0.2),
    "spread-reconnects": ("min(live_reconnects_over_seconds)", 2.0),
    "backup-origin": ('max(stream_origin{origin="backup"})', 1.0),
    "open-doors": ("max(stream_passes_asked)", 0.0),
    "shed-low-priority": ("max(events_shedding)", 1.0),
}
"""The mitigations that set something: what Prometheus sees of it, in all processes that it concerns."""

STARTS = {
    "restart-inventory": "inventory",
    "restart-live": "live",
    "restart-edge": "stream",
    "restart-events": "events",
}
"""The mitigations that start a component's dead processes."""


@dataclass(frozen=True)
class Standing:
    """A storefront that is up, without viewers, and its Prometheus."""

    target: Target
    prometheus: Prometheus

    async def act(self, name: str) -> str:
        step = step_of(name)
        assert isinstance(step, HttpStep)
        return await send(step, self.target.variables(), Guard.of(self.target))

    async def value(self, query: str) -> float | None:
        return await self.prometheus.scalar(query)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def storefront(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    if shutil.which("prometheus") is None:
        pytest.skip("no Prometheus here")
    folder = tmp_path_factory.mktemp("library")
    rules = embedded.write_rules(folder, slo_files.load(library.names("slos")).slos)
    (logs := folder / "logs").mkdir()
    (work := folder / "work").mkdir()
    async with Supervisor(logs) as supervisor:
        target = await embedded.start(supervisor, work, rules)
        async with Prometheus(target.prometheus_url or "") as prometheus:
            yield Standing(target, prometheus)


def steps(kind: type[Step], *headings: Heading) -> list[str]:
    pages = [find(name) for name in builtin_names()]
    return [step.name for page in pages for step in page if isinstance(step, kind) and step.section in headings]


def step_of(name: str) -> Step:
    return next(step for page in map(find, builtin_names()) for step in page if step.name == name)


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    end = time.monotonic() + 30
    while not await condition():
        assert time.monotonic() < end, f"not within 30 s: {what}"
        await asyncio.sleep(0.1)


async def test_each_mitigation_is_tried_here() -> None:
    assert set(SETS) | set(STARTS) == set(steps(HttpStep, Heading.MITIGATION))


async def test_every_metric_that_a_page_asks_for_is_exported(storefront: Standing) -> None:
    registry = CollectorRegistry()
    registry.register(Exporter(Tally))
    load = text_string_to_metric_families(generate_latest(registry).decode())
    known = set(await storefront.prometheus.label_values("__name__"))
    known |= {name for family in load for name in names_of(family.name, family.type)}
    asked = {
        (step.name, node.name)
        for page in map(find, builtin_names())
        for step in page
        if isinstance(step, PromqlStep)
        for node in nodes(step.query)
        if isinstance(node, promql_parser.VectorSelector)
    }
    assert asked
    assert {(step, name) for step, name in asked if name not in known} == set()


def names_of(family: str, kind: str) -> set[str]:
    if kind == "histogram":
        return {f"{family}_bucket", f"{family}_sum", f"{family}_count"}
    return {f"{family}_total"} if kind == "counter" and not family.endswith("_total") else {family}


@pytest.mark.parametrize("name", builtin_names())
async def test_in_health_no_cause_is_found(storefront: Standing, name: str) -> None:
    for step in find(name).steps(Heading.DIAGNOSIS):
        assert isinstance(step, PromqlStep) and isinstance(step.expect, Comparison)
        values = [sample.value for sample in await storefront.prometheus.query(step.query)]
        assert not step.expect.holds_for_all(values), (step.name, values)


async def test_mitigations_are_seen_and_taken_back(storefront: Standing) -> None:
    before = {name: await storefront.value(query) for name, (query, _) in SETS.items()}
    wanted = {name: value for name, (_, value) in SETS.items()}
    assert all(before[name] != wanted[name] for name in SETS)
    await all_answered(storefront, list(SETS))
    await until(lambda: are(storefront, wanted), "all of them set")
    await all_answered(storefront, [step_of(name).undo for name in SETS])
    await until(lambda: are(storefront, before), "all of them as before")


async def all_answered(storefront: Standing, names: Sequence[str | None]) -> None:
    answers = await asyncio.gather(*(storefront.act(name or "") for name in names))
    assert all(answer.startswith("200") for answer in answers), answers


async def are(storefront: Standing, wanted: Mapping[str, float | None]) -> bool:
    return all([await storefront.value(SETS[name][0]) == value for name, value in wanted.items()])


async def test_dead_processes_are_started_again(storefront: Standing) -> None:
    old = {component: first_process(storefront.target, component) for component in STARTS.values()}
    for pid in old.values():
        os.kill(pid, signal.SIGKILL)
    await until(lambda: all_dead(old.values()), "their end")
    await all_answered(storefront, list(STARTS))
    assert all(first_process(storefront.target, component) != pid for component, pid in old.items())
    jobs = "|".join(old)

    async def all_up() -> bool:
        return await storefront.value(f'min(up{{job=~"{jobs}"}})') == 1

    await until(all_up, "all of them to be scraped again")


async def all_dead(pids: Collection[int]) -> bool:
    return all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in pids)


def first_process(target: Target, component: str) -> int:
    process = target.spec.components[component].process
    assert process is not None
    return int(min(process.pidfile.parent.glob(process.pidfile.name)).read_text())
