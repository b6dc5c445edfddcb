"""The pages of a game day, from a target file that names an Alertmanager to the run directory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from paging import paging

import monitors.alertmanager_server
from flashcrowd.errors import NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import free_port
from flashcrowd.rundir import Event, RunDirectory
from flashcrowd.target import Target, read_target
from gamedays import gameday
from gamedays.doctor import watching
from gamedays.planning import preflight
from gamedays.playing.oncall import OnCall
from gamedays.playing.pages import pager
from monitors.prometheus import Prometheus

TARGET = """
apiVersion: flashcrowd/v1
kind: Target
metadata: {{name: staging}}
spec:
  environment: test
  allow_hosts: [127.0.0.1]
  max_viewers: 10
  prometheus: {{url: "{prometheus}"}}
  {alertmanager}
"""


def target(folder: Path, prometheus: str, alertmanager: str = "") -> Target:
    file = folder / "staging.yaml"
    file.write_text(TARGET.format(prometheus=prometheus, alertmanager=alertmanager))
    return read_target(file)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(tmp_path / "runs", "friday")


def events(run: RunDirectory, kind: str) -> list[Event]:
    return [event for event in run.events() if (event.source, event.kind) == ("alert", kind)]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_pages_come_by_the_alertmanager_of_a_target_file_and_by_prometheus_when_it_is_killed(tmp_path, run):
    async with paging(tmp_path) as site:
        address = f"alertmanager: {{url: '{site.alertmanager}', filter: ['alertname=~\"Thing.*\"']}}"
        staging = target(tmp_path, site.prometheus, address)
        guard = Guard.of(staging)
        told = [(row.says, row.mend) for row in await watching.alertmanager(staging, guard)]
        assert told[0][0].endswith("· alerts: 0 firing, 0 silenced")
        assert told[1:] == [("prometheus sends them to 1 Alertmanager", None)]
        async with Prometheus(site.prometheus) as prometheus, pager(staging, False, guard, prometheus, run) as pages:
            watch = asyncio.create_task(OnCall(prometheus, guard, {}, run, pages=pages).watch(since=0.0))
            async with site.silence("quiet", "anna", "moving"), site.breach("quiet"), site.breach("ours"):
                await until(lambda: events(run, "page") and events(run, "silenced"))
                site.child.kill()
                async with site.breach("other"):
                    await until(lambda: len(events(run, "page")) > 1)
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
    (source,) = events(run, "source")
    assert source.data == {"told_by": "alertmanager", "url": site.alertmanager}
    (silenced,) = events(run, "silenced")
    assert (silenced.data["slo"], silenced.data["reason"]) == ("quiet", "silenced by anna: moving")
    first, second = events(run, "page")
    assert (first.data["slo"], first.data["told_by"]) == ("ours", "alertmanager")
    assert (second.data["slo"], second.data["told_by"]) == ("other", "prometheus")
    assert first.data["latency"] == pytest.approx(first.time - first.data["active_at"], abs=0.01)
    assert len(events(run, "source_lost")) == 1


@pytest.mark.parametrize("embedded", [True, False])
async def test_without_an_alertmanager_it_is_said_once_that_pages_are_read_from_prometheus(tmp_path, run, embedded):
    staging = target(tmp_path, "http://127.0.0.1:9")
    async with (
        Prometheus("http://127.0.0.1:9") as prometheus,
        pager(staging, embedded, Guard.of(staging), prometheus, run),
    ):
        pass
    reason = "no prometheus-alertmanager or alertmanager on PATH" if embedded else "staging names no Alertmanager"
    assert [event.data for event in events(run, "source")] == [{"told_by": "prometheus", "reason": reason}]


async def test_an_alertmanager_that_does_not_answer_is_told_before_the_first_viewer(tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    staging = target(tmp_path, "http://127.0.0.1:9", f"alertmanager: {{url: '{url}'}}")
    (row,) = await watching.alertmanager(staging, Guard.of(staging))
    assert row.says == "does not answer"
    assert url in str(row.mend)
    with pytest.raises(NeedError, match=r"alertmanager at .* did not answer"):
        await preflight.paged(staging, Guard.of(staging), ["http://127.0.0.1:9/api/v2/alerts"])


def test_a_story_has_silenced_alerts_apart_from_pages(rehearsed):
    run = rehearsed(paged=None, recovered=None)
    about = {"alert": "OrderLatencyBurn", "slo": "order-latency", "runbook": "order-latency", "active_at": 0.0}
    run.record("alert", "silenced", at=1_800_000_057.0, reason="silenced by anna: moving", labels={}, **about)
    run.record("alert", "source_lost", at=1_800_000_058.0, reason="it did not answer")
    ended = gameday.judge(run.path)
    assert (ended.story.pages, len(ended.story.silenced)) == ((), 1)
    (finding,) = [one for one in ended.verdict.findings if one.name == "expect/order-latency/detected"]
    assert "OrderLatencyBurn fired, silenced by anna: moving" in finding.message
    told = gameday.summary(ended, as_json=False)
    assert "00:57  silenced      OrderLatencyBurn called nobody: silenced by anna: moving" in told
    assert "00:58  warning       Alertmanager is gone; pages are read from Prometheus" in told


def test_neither_name_on_path_means_no_alertmanager(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert monitors.alertmanager_server.locate() is None
    program = tmp_path / "alertmanager"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert monitors.alertmanager_server.locate() == program
