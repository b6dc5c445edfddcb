"""A real Prometheus, a real Alertmanager and the command line: from a breach to a closed incident."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from command_line import CommandLine

from flashcrowd.errors import GuardError, InputError
from flashcrowd.process import Supervisor, free_port
from gamedays.verbs import runbook_server
from monitors import alertmanager_server, server
from runbooks.server import access

TOKEN = "correct-horse-battery-staple"

RULES = """
groups:
  - name: shop
    rules:
      - alert: ShopSlow
        expr: shop_slow_ratio > 0.5
        labels: {sloth_severity: page, sloth_slo: shop-latency, sloth_service: shop, nasty: "$(touch pwned); <script>"}
        annotations: {runbook: shop-slow}
"""

PAGE = """---
alerts: [ShopSlow]
owner: shop
severity: page
automatic: true
---
# The shop is slow

## Meaning

It is slow.

## Impact

Buyers wait.

## First five minutes

Say so.

## Diagnosis

Is it?

```promql {"step": "slow", "expect": "> 0.5"}
shop_slow_ratio
```

## Mitigation

Spare it.

```http {"step": "spare", "undo": "burden"}
POST ${shop.admin}/spare
```

## Verification

```promql {"step": "quick", "expect": "< 0.1", "timeout": "20s"}
shop_slow_ratio
```

## Rollback

```http {"step": "burden"}
POST ${shop.admin}/burden
```

## Escalation

The developers.
"""

TARGET = """apiVersion: flashcrowd/v1
kind: Target
metadata: {{name: small}}
spec:
  environment: {environment}
  allow_hosts: [127.0.0.1]
  max_viewers: 1
  prometheus: {{url: "{prometheus}"}}
  components: {{shop: {{admin: "{shop}/admin"}}}}
  mitigations: {{automatic: [shop]}}
"""


class Shop:
    """A service whose measure is bad when it is `broken`, until somebody spares it."""

    def __init__(self) -> None:
        self.broken, self.spared, self.asked = False, False, list[str]()

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=f"shop_slow_ratio {0.9 if self.broken and not self.spared else 0.01}\n")

    async def admin(self, request: web.Request) -> web.Response:
        self.asked.append(request.match_info["what"])
        self.spared = self.asked[-1] == "spare"
        return web.json_response({})

    @asynccontextmanager
    async def serve(self, routes: Sequence[web.RouteDef] = ()) -> AsyncIterator[str]:
        app = web.Application()
        app.add_routes([*routes, web.get("/metrics", self.metrics), web.post("/admin/{what}", self.admin)])
        runner, port = web.AppRunner(app, shutdown_timeout=0.1), free_port()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await runner.cleanup()


async def until(condition: Callable[[], Any], what: str, timeout: float = 60) -> Any:
    async with asyncio.timeout(timeout):
        while not (found := condition()):
            await asyncio.sleep(0.05)
    return found


def incident(folder: Path) -> dict[str, Any]:
    """The only incident's state; nothing while there is none."""
    files = list(folder.glob("*/incident.json"))
    return json.loads(files[0].read_text()) if len(files) == 1 else {}


@pytest.mark.slow
async def test_a_breach_is_diagnosed_mitigated_and_closed_by_way_of_a_real_alertmanager(tmp_path) -> None:
    program = alertmanager_server.locate()
    if program is None or shutil.which("prometheus") is None:
        pytest.skip("no Prometheus or no Alertmanager here")
    shop, line, port = Shop(), CommandLine(tmp_path, settings={"SERVE_TOKEN": TOKEN}), free_port()
    shop.broken = True
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "shop-slow.md").write_text(PAGE)
    async with shop.serve() as url, Supervisor(tmp_path) as supervisor:
        hook = f"http://127.0.0.1:{port}/alertmanager"
        manager = await alertmanager_server.start(supervisor, tmp_path / "am", program, [hook], tmp_path / "token")
        prometheus = await server.start(
            supervisor, tmp_path / "prom", {"shop": [url.removeprefix("http://")]}, [tmp_path / "rules.yml"],
            interval=0.2, alertmanager=manager,
        )  # fmt: skip
        (tmp_path / "target.yaml").write_text(TARGET.format(environment="test", prometheus=prometheus, shop=url))
        words = f"runbook serve --target target.yaml --listen 127.0.0.1:{port} --runbooks books --out incidents"
        process = line.start(*words.split(), "--mitigate", "--token-env", "SERVE_TOKEN")
        try:
            closed = await until(lambda: incident(tmp_path / "incidents").get("closed"), "the end of the incident")
        finally:
            process.send_signal(signal.SIGINT)
            out, err = await asyncio.to_thread(process.communicate, timeout=30)
        assert process.returncode == 130, err
    state = incident(tmp_path / "incidents")
    assert (state["state"], state["runbook"], shop.asked) == ("recovered", "shop-slow", ["spare"])
    assert state["opened"] < state["mitigated"] < closed
    (folder,) = [path for path in (tmp_path / "incidents").iterdir() if path.is_dir()]
    kinds = [
        (row["source"], row["kind"]) for row in map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    ]
    assert [kind for source, kind in kinds if source == "incident"] == [
        "diagnosing", "waiting", "mitigating", "recovered", "closed",
    ]  # fmt: skip
    assert json.loads((folder / "alert.json").read_text())["labels"]["nasty"] == "$(touch pwned); <script>"
    assert list(tmp_path.rglob("pwned")) == []
    assert f"incidents             http://127.0.0.1:{port}/" in err
    assert out == ""
    assert line.processes() == []
    told = "".join(file.read_text() for file in (tmp_path / "incidents").rglob("*") if file.is_file())
    assert TOKEN not in told + err


@pytest.mark.parametrize(
    ("environment", "changes", "says"),
    [
        ("production", {"mitigate": True}, "small is production; to go on, add --allow-production small"),
        ("test", {"prometheus": "http://10.9.8.7:9090"}, "10.9.8.7 is not in allow_hosts"),
        ("test", {"target": None, "mitigate": True}, "add --target FILE"),
        ("test", {"target": None}, "name it with --prometheus URL"),
        ("test", {"runbooks": Path("nowhere")}, "nowhere is not a folder"),
        ("test", {"chat_env": "NO_SUCH_CHAT"}, "NO_SUCH_CHAT is not set"),
    ],
)
async def test_what_may_not_be_is_refused_before_anything_is_started(tmp_path, environment, changes, says) -> None:
    settings = made(tmp_path, environment, **changes)
    with pytest.raises((InputError, GuardError), match=says):
        async with runbook_server.running(settings):
            pass


async def test_production_may_be_looked_at_without_its_name(tmp_path) -> None:
    async with runbook_server.running(made(tmp_path, "production")) as (url, desk):
        assert url.startswith("http://127.0.0.1:")
        assert not desk.site.mitigate


def made(folder: Path, environment: str = "test", **changes: Any) -> runbook_server.Settings:
    """Settings, for a target that is written where none is given."""
    file = folder / "target.yaml"
    if "target" not in changes or changes["target"] is None:
        nowhere = "http://127.0.0.1:9"
        file.write_text(TARGET.format(environment=environment, prometheus=nowhere, shop=nowhere))
    given = {"target": file, "where": access.listen("127.0.0.1:0"), "out": folder / "incidents", **changes}
    return runbook_server.Settings(**given)


ALERT = {
    "version": "4",
    "alerts": [{"status": "firing", "labels": {"alertname": "ShopSlow"}, "startsAt": "2026-11-26T04:00:00Z"}],
}


@pytest.mark.slow
async def test_kill_9_in_the_middle_of_a_mitigation_is_told_at_the_next_start_and_can_be_taken_back(
    tmp_path, capsys
) -> None:
    shop, line, port, reached = Shop(), CommandLine(tmp_path), free_port(), asyncio.Event()

    async def query(request: web.Request) -> web.Response:
        vector = [{"metric": {}, "value": [1764130000, "0.9"]}]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": vector}})

    async def hang(request: web.Request) -> web.Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "shop-slow.md").write_text(PAGE)
    words = f"runbook serve --target target.yaml --listen 127.0.0.1:{port} --runbooks books --out incidents --mitigate"
    routes = [web.get("/api/v1/query", query), web.post("/api/v1/query", query), web.post("/admin/spare", hang)]
    async with shop.serve(routes) as url, httpx.AsyncClient(trust_env=False) as client:
        (tmp_path / "target.yaml").write_text(TARGET.format(environment="test", prometheus=url, shop=url))
        first = line.start(*words.split())
        await until(lambda: _listens(port), "the server")
        (await client.post(f"http://127.0.0.1:{port}/alertmanager", json=ALERT)).raise_for_status()
        await asyncio.wait_for(reached.wait(), 60)
        first.kill()
        first.communicate()
        again = made(tmp_path, target=tmp_path / "target.yaml", runbooks=tmp_path / "books", mitigate=True)
        async with runbook_server.running(again):
            second = capsys.readouterr().err
        assert "shop-slow.md --target FILE --execute --rollback" in second
        assert "spare was under way; in place, or may be: spare" in second
        told = second.partition("Go on with: flashcrowd ")[2].partition(",")[0].replace("FILE", "target.yaml").split()
        ended = await asyncio.to_thread(line.run, *told, "--yes")
        assert shop.asked == ["burden"], ended.stdout + ended.stderr
        async with runbook_server.running(again):
            assert "left unfinished" not in capsys.readouterr().err
    assert line.processes() == []


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
