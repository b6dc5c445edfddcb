from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio
from paging import Paging, paging

from flashcrowd.errors import GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import free_port
from monitors import alertmanager_server, alerts
from monitors.alertmanager import Alertmanager
from monitors.alerts import Page
from monitors.prometheus import Prometheus


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Paging]:
    async with paging(tmp_path_factory.mktemp("paging")) as site:
        yield site


@asynccontextmanager
async def watching(source: alerts.Source, thing: str) -> AsyncIterator[list[Page]]:
    """The pages of one thing, as they come."""
    pages = list[Page]()

    async def watch() -> None:
        async for page in alerts.watch(source, time.time() - 3, every=0.05):
            if page.labels["thing"] == thing:
                pages.append(page)

    task = asyncio.create_task(watch())
    try:
        yield pages
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object], timeout: float = 30) -> None:
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.02)


async def ended(source: alerts.Source, thing: str) -> None:
    async with asyncio.timeout(30):
        while any(alert.labels["thing"] == thing for alert in await source.alerts()):
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_a_breach_pages_within_seconds_once_and_again_after_it_ended(site: Paging) -> None:
    async with (
        Alertmanager(site.alertmanager) as manager,
        Prometheus(site.prometheus) as prometheus,
        watching(manager, "shop") as pages,
    ):
        async with site.breach("shop") as broke_at:
            await until(lambda: pages)
            (own,) = [alert for alert in await prometheus.alerts() if alert.labels["thing"] == "shop"]
        (page,) = pages
        assert (page.name, page.slo, page.runbook, page.source) == ("ThingBroken", "shop", "mend-it", "alertmanager")
        assert page.suppressed is None
        assert broke_at <= page.active_at <= page.fired_at < broke_at + 10
        assert page.active_at == pytest.approx(own.active_at, abs=alerts.ROUNDING)
        assert page.labels == own.labels
        await ended(manager, "shop")
        async with site.breach("shop"):
            await until(lambda: len(pages) == 2)
        assert pages[1].active_at > page.fired_at


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_a_silenced_alert_is_told_as_that_and_pages_when_its_silence_ends(site: Paging) -> None:
    async with (
        Alertmanager(site.alertmanager) as manager,
        watching(manager, "till") as pages,
        site.silence("till", "anna", "the till is moved") as end_silence,
        site.breach("till"),
    ):
        await until(lambda: pages)
        assert pages[0].suppressed == "silenced by anna: the till is moved"
        assert [(one.state, one.by) for one in await manager.silences() if one.state == "active"] == [
            ("active", "anna")
        ]
        await end_silence()
        await until(lambda: len(pages) == 2)
        assert pages[1].suppressed is None
        assert pages[1].active_at == pages[0].active_at


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_its_api_has_what_we_read(site: Paging) -> None:
    """API v2's `gettableAlert`, `gettableSilence` and `alertmanagerStatus`, on the one that is installed."""
    async with (
        httpx.AsyncClient(base_url=site.alertmanager, trust_env=False) as client,
        Alertmanager(site.alertmanager) as manager,
        watching(manager, "contract") as pages,
        site.silence("contract", "anna", "to see"),
        site.breach("contract"),
    ):
        await until(lambda: pages)
        (alert,) = [row for row in (await client.get("/api/v2/alerts")).json() if row["labels"]["thing"] == "contract"]
        silences = (await client.get("/api/v2/silences")).json()
        status = (await client.get("/api/v2/status")).json()
    assert alert["labels"]["alertname"] == "ThingBroken"
    assert alert["annotations"] == {"runbook": "mend-it"}
    assert alert["startsAt"] < alert["endsAt"]
    assert alert["status"]["state"] == "suppressed"
    assert alert["status"]["inhibitedBy"] == []
    (silence,) = [one for one in silences if one["id"] in alert["status"]["silencedBy"]]
    assert (silence["status"]["state"], silence["createdBy"], silence["comment"]) == ("active", "anna", "to see")
    assert status["versionInfo"]["version"][0].isdigit()


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_only_alerts_that_meet_the_filter_are_told(site: Paging) -> None:
    async with (
        Alertmanager(site.alertmanager) as everything,
        Alertmanager(site.alertmanager, ['thing=~"ours-.*"', 'alertname="ThingBroken"']) as ours,
        watching(everything, "theirs") as theirs,
        watching(ours, "ours-1") as pages,
        site.breach("theirs"),
        site.breach("ours-1"),
    ):
        await until(lambda: pages and theirs)
        assert {alert.labels["thing"] for alert in await ours.alerts()} == {"ours-1"}
    async with Alertmanager(site.alertmanager, ["nonsense"]) as wrong:
        with pytest.raises(InputError, match=r"refuses the filter: .*bad matcher format"):
            await wrong.alerts()


async def test_it_listens_on_loopback_alone_and_ends_with_its_supervisor(tmp_path) -> None:
    program = alertmanager_server.locate()
    if program is None:
        pytest.skip("no Alertmanager here")
    async with alertmanager_server.Supervisor(tmp_path) as supervisor:
        url = await alertmanager_server.start(supervisor, tmp_path / "data", program)
        (child,) = supervisor.children
        sockets = psutil.Process(child.pid).net_connections("inet")
        assert {(one.laddr.ip, one.laddr.port) for one in sockets if one.status == "LISTEN"} == {
            ("127.0.0.1", int(url.rpartition(":")[2]))
        }
    assert not psutil.pid_exists(child.pid)


@asynccontextmanager
async def answering(status: int, body: Any, credentials: str | None = None) -> AsyncIterator[str]:
    """Something that answers every request with this, or with 401 if it lacks the credentials; its address."""
    wanted = None if credentials is None else f"Basic {b64encode(credentials.encode()).decode()}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status if wanted in (None, self.headers["Authorization"]) else 401)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        await asyncio.to_thread(server.shutdown)
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, "no", "lets nobody in without credentials"),
        (403, "no", "lets nobody in without credentials"),
        (404, b"not found", "answers with 404, but not as an alertmanager does"),
        (500, "broken", "answers with 500"),
        (200, b"<html>", "but not as an alertmanager does"),
        (200, {"status": "success", "data": {"alerts": []}}, "but not as an alertmanager does"),
        (200, [{"labels": {}, "annotations": {}, "startsAt": "soon", "status": {}}], "not as an alertmanager does"),
    ],
)
async def test_an_answer_that_is_none_is_told(status, body, says) -> None:
    async with answering(status, body) as url, Alertmanager(url) as manager:
        with pytest.raises(NeedError, match=says):
            await manager.alerts()


async def test_newer_fields_are_no_hindrance_and_muting_is_a_silence() -> None:
    state = {"state": "suppressed", "silencedBy": [], "inhibitedBy": [], "mutedBy": ["night"]}
    row = {"labels": {"alertname": "X"}, "annotations": {}, "startsAt": "2026-01-01T00:00:00.123Z", "status": state}
    waits = {**row, "status": {**state, "state": "unprocessed"}}
    inhibited = {**row, "status": {**state, "inhibitedBy": ["abc"]}}
    async with answering(200, [row, waits, inhibited]) as url, Alertmanager(url) as manager:
        found = await manager.alerts()
    assert [one.suppressed for one in found] == ["muted", "inhibited by another alert"]
    assert found[0].active_at == 1767225600.123


async def test_what_does_not_answer_is_told_without_its_password() -> None:
    port = free_port()
    async with Alertmanager(f"http://me:hunter-two@127.0.0.1:{port}/prefix") as manager:
        with pytest.raises(NeedError, match=f"alertmanager at http://127.0.0.1:{port}/prefix did not answer"):
            await manager.alerts()
        assert not await manager.ready()


@pytest.mark.parametrize("guard", [None, Guard(["127.0.0.1"])])
async def test_credentials_in_the_address_are_sent(guard) -> None:
    async with answering(200, [], "me:hunter-two") as url:
        async with Alertmanager(url.replace("//", "//me:hunter-two@"), guard=guard) as manager:
            assert await manager.alerts() == []
        async with Alertmanager(url, guard=guard) as manager:
            with pytest.raises(NeedError, match="lets nobody in"):
                await manager.alerts()


async def test_the_guard_is_asked_at_the_connection() -> None:
    async with (
        answering(200, []) as url,
        Alertmanager(url, guard=Guard(["10.0.0.1"])) as forbidden,
        Alertmanager(url, guard=Guard(["127.0.0.1"])) as allowed,
    ):
        assert await allowed.alerts() == []
        with pytest.raises(GuardError, match="not in allow_hosts"):
            await forbidden.alerts()


@pytest.mark.parametrize("webhooks", [(), ("http://127.0.0.1:1/hook", "http://127.0.0.1:2/hook")])
def test_pages_are_routed_to_on_call_and_tickets_to_nobody(tmp_path, webhooks) -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("no amtool here")
    config = tmp_path / "alertmanager.yml"
    config.write_text(alertmanager_server.configuration(webhooks))
    check = subprocess.run([amtool, "check-config", config], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr
    assert config.read_text().count("url:") == len(webhooks)
    for severity, receiver in (("page", "on-call"), ("ticket", "nobody")):
        route = [amtool, "config", "routes", "test", f"--config.file={config}", f"sloth_severity={severity}"]
        assert subprocess.run(route, capture_output=True, text=True, check=True).stdout.strip() == receiver
