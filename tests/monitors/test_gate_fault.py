"""The gate as people run it, in front of real Prometheus servers: before and in the middle of a fault, empty, gone."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from backfilled import write as backfill
from stands.links import link

from chaos.faults import parse_fault
from chaos.injector import Injector
from chaos.undolog import UndoLog
from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor, free_port
from flashcrowd.target import Component
from monitors import server
from monitors.gate import run as gate_run

ROOT = Path(__file__).parents[2]
SLO = """
version: prometheus/v1
service: shop
slos:
  - name: {name}
    objective: 90
    rehearsal: {{min_events: 30}}
    sli:
      events:
        error_query: sum(rate({name}_total{{outcome="error"}}[{{{{.window}}}}]))
        total_query: sum(rate({name}_total[{{{{.window}}}}]))
    alerting: {{name: Burn}}
"""


async def gate(folder: Path, *words: str) -> tuple[int, str]:
    """Runs `flashcrowd slo check`; its exit code, and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "slo", "check", *words),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


@asynccontextmanager
async def shoppers(url: str, count: Callable[[str], None]) -> AsyncIterator[None]:
    """Some who order all the time; what becomes of each order is counted."""

    async def shop(client: httpx.AsyncClient) -> None:
        while True:
            try:
                count("ok" if (await client.get(url)).is_success else "error")
            except httpx.HTTPError:
                count("error")
            await asyncio.sleep(0.01)

    async with httpx.AsyncClient(trust_env=False) as client:
        tasks = [asyncio.create_task(shop(client)) for _ in range(4)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_gate_opens_before_a_fault_and_shuts_in_its_middle(bench, until, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "slo.yaml").write_text(SLO.format(name="gated"))
    words = ("slo.yaml", "--prometheus", bench.url, "--window", "5s", "--json", "slo.json")

    async def ends_with(code: int) -> bool:
        return (await gate(tmp_path, *words))[0] == code

    async with Supervisor(tmp_path) as supervisor, link(supervisor) as (described, proxy):
        listen = (await proxy.get("/proxies/inventory")).json()["listen"]
        components = {"shop": Component.model_validate(described)}
        log = UndoLog(tmp_path / "state")
        async with (
            shoppers(f"http://{listen}/orders", lambda outcome: bench.shop.gated.labels(outcome).inc()),
            Injector(components, Guard(["127.0.0.1"]), log, lambda *event: None) as injector,
        ):
            await until(lambda: ends_with(0))
            fault = parse_fault({"kind": "http.error", "on": "shop", "share": "60 %", "path": "/orders", "for": "110s"})
            active = await injector.inject(fault)
            assert active.bite.ok
            await until(lambda: ends_with(1))
            assert len((await proxy.get("/proxies/inventory/toxics")).json()) == 1, "it is in the fault's middle"
            assert json.loads((tmp_path / "slo.json").read_text())["objectives"][0]["bad"] > 0


async def test_an_empty_server_is_inconclusive_and_a_dead_one_missing(tmp_path: Path) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("no Prometheus here")
    (tmp_path / "slo.yaml").write_text(SLO.format(name="orders"))
    async with Supervisor(tmp_path) as supervisor:
        url = await server.start(supervisor, tmp_path / "prometheus", {})
        words = ("slo.yaml", "--prometheus", url, "--window", "5m", "--timeout", "1s")
        code, said = await gate(tmp_path, *words)
        assert (code, "no data" in said) == (3, True), said
    code, said = await gate(tmp_path, *words)
    assert (code, f"prometheus at {url} did not answer within 1 s (asked " in said) == (4, True), said


async def test_a_part_of_the_data_is_never_a_pass(tmp_path: Path, until: Callable[..., Awaitable[None]]) -> None:
    """A Prometheus that reads a part from elsewhere answers with the rest when that is gone, and a warning."""
    if (program := shutil.which("prometheus")) is None or shutil.which("promtool") is None:
        pytest.skip("no Prometheus or promtool here")
    now = int(time.time())
    rows = ["# TYPE orders counter"]
    for outcome, share in (("ok", 1000), ("error", 1)):
        rows += [f'orders_total{{outcome="{outcome}"}} {share * n} {now - 1800 + 15 * n}' for n in range(120)]
    backfill(tmp_path / "orders.om", rows, tmp_path / "data")
    (tmp_path / "slo.yaml").write_text(SLO.format(name="orders"))
    elsewhere = f"remote_read: [{{url: 'http://127.0.0.1:{free_port()}/read', read_recent: true}}]\n"
    async with Supervisor(tmp_path) as supervisor:
        for config, code in (("{}\n", 0), (elsewhere, 3)):
            (tmp_path / "prometheus.yml").write_text(config)
            url = f"http://127.0.0.1:{free_port()}"
            flags = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
            child = supervisor.spawn("prometheus", [program, *flags, f"--web.listen-address={url[7:]}"])
            async with gate_run.Prometheus(url) as prometheus:
                await child.ready(prometheus.ready)
            found = await gate_run.run([str(tmp_path / "slo.yaml")], url, "10m", str(now - 60))
            assert found.exit_code == code, found.table
            await child.stop()
    assert "prometheus answered with a part of the data: remote_read: " in found.table
