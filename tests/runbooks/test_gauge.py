import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from chaos.gauge import FaultGauge
from flashcrowd.process import free_port
from runbooks.executor import Executor
from runbooks.gauge import StepGauge
from runbooks.model import Runbook


def samples(gauge: StepGauge) -> dict[tuple[str, str], float]:
    (family,) = gauge.collect()
    assert family.name == "flashcrowd_runbook_step"
    return {(sample.labels["runbook"], sample.labels["step"]): sample.value for sample in family.samples}


async def test_a_step_is_1_while_it_runs(
    runbook: Callable[..., Runbook], executor: Callable[..., Executor], server: Any
) -> None:
    gauge, seen = StepGauge(), list[dict[tuple[str, str], float]]()
    server.acting = lambda path: seen.extend([samples(gauge), samples(gauge)])
    await executor(runbook(), on_event=gauge.event).run()
    assert seen == [{("slow", "slow"): 1, ("slow", "reserve"): 1}, {("slow", "slow"): 0, ("slow", "reserve"): 1}]
    assert samples(gauge)[("slow", "quick")] == 1, "one that was over before the scrape is seen by it"
    assert set(samples(gauge).values()) == {0}


async def test_an_interrupted_step_does_not_stay(
    runbook: Callable[..., Runbook], executor: Callable[..., Executor], server: Any
) -> None:
    gauge, begun = StepGauge(), asyncio.Event()

    async def query(promql: str) -> list[float]:
        begun.set()
        await asyncio.sleep(60)
        return []

    task = asyncio.create_task(executor(runbook(), query=query, on_event=gauge.event).run())
    await begun.wait()
    assert samples(gauge) == {("slow", "slow"): 1}
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert samples(gauge) == {("slow", "slow"): 0}


def test_it_is_scraped_where_the_faults_are() -> None:
    gauge, port, told = StepGauge(), free_port(), list[str]()
    gauge.event("start", {"runbook": "slow", "step": "reserve"})
    with FaultGauge().served(port, told.append, gauge):
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    assert 'flashcrowd_runbook_step{runbook="slow",step="reserve"} 1.0' in text
    assert told == []
