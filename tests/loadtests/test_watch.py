"""Players of the crowd against a small real HLS server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from broadcaster import Broadcaster, Truth, broadcasting, until

from flashcrowd.guard import Guard
from flashcrowd.process import Supervisor
from flashcrowd.rundir import RunDirectory
from loadtests import runner
from loadtests.runner import LoadSpec

FROZEN = 10.0

SITTER = """
wait_time = constant(60)

def on_start(self):
    self.stream.watch()

@task
def sit(self):
    pass
"""


@pytest.fixture
async def broadcaster() -> AsyncIterator[Broadcaster]:
    async with broadcasting() as one:
        yield one


async def scrape(address: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://{address}/metrics")).text


@pytest.mark.slow
async def test_a_stream_that_stalls_for_a_known_time_is_reported_with_that_time(
    broadcaster: Broadcaster,
    supervisor: Supervisor,
    run: RunDirectory,
    guard: Guard,
    spec: Callable[..., LoadSpec],
    read_figure: Callable[[str, str], float],
    scenario: Callable[[str], str],
) -> None:
    load = await runner.start(supervisor, spec(scenario(SITTER), duration=60.0), run, broadcaster.target(), guard)
    await until(lambda: len(broadcaster.served) == 6 and all(len(one) >= 5 for one in broadcaster.served.values()))
    broadcaster.freeze(FROZEN)
    last = broadcaster.made(broadcaster.frozen_at) - 1
    await until(lambda: all(one[-1].number >= last + 4 for one in broadcaster.served.values()))
    text = await scrape(load.metrics_address)
    await load.stop()
    seen = load.result().stream
    truth = [Truth.of(one, broadcaster.available_at) for one in broadcaster.served.values()]
    assert sum(one.stood for one in truth) > 6 * (FROZEN - 5.0)
    assert seen["stalled_seconds"] == pytest.approx(sum(one.stood for one in truth), rel=0.1)
    assert seen["stalled_seconds"] == pytest.approx(sum(one.stalled for one in truth), rel=0.02)
    assert (seen["players"], seen["skips"]) == (6, 0)
    assert seen["stalls"] >= 6  # on a busy machine a segment after the stall may be late once more
    assert seen["stall_ratio"] == pytest.approx(seen["stalled_seconds"] / seen["watched_seconds"])
    assert read_figure(text, "flashcrowd_playback_stalls_total") >= 6
    assert read_figure(text, "flashcrowd_playback_stall_seconds_total") == pytest.approx(
        seen["stalled_seconds"], rel=0.02
    )
    assert 3.0 <= seen["delay"]["max"] < 5.0  # three segments and a part of one; the clock stood still with the stream
    assert seen["switches"] == 6  # from the small rendition to the large one, each of them once


ZAPPER = """
wait_time = constant(60)

@task
def zap(self):
    self.stream.watch_for(1.5, "blue")
    self.stream.watch("red")
"""


async def test_a_viewer_watches_rooms_in_turn_and_tells_who_it_is(
    broadcaster: Broadcaster,
    supervisor: Supervisor,
    run: RunDirectory,
    guard: Guard,
    spec: Callable[..., LoadSpec],
    scenario: Callable[[str], str],
) -> None:
    broken = {"main": 1}

    def once(path: str) -> int:
        return 500 if path.startswith("/red/low") and broken.pop("main", 0) else 0

    broadcaster.misbehave = once
    wanted = spec(scenario(ZAPPER), viewers=1, duration=30.0)
    load = await runner.start(supervisor, wanted, run, broadcaster.target(), guard)
    await until(lambda: sum(len(one) for one in broadcaster.served.values()) > 8)
    await load.stop()
    result = load.result()
    assert (result.stream["players"], result.stream["starts_late"]) == (2, 0)
    assert result.stream["startup"]["max"] > 1.0  # the second had to try again, a second later
    assert {row.name for row in result.requests} == {"playlist", "segment"}
    assert result.failures == 1
    assert {one["authorization"] for one in broadcaster.headers} == {"Bearer viewer-0000001"}
    assert {one["x-scene-id"] for one in broadcaster.headers} == {run.name}


async def test_a_playlist_that_leads_to_a_host_which_is_not_allowed_is_not_followed(
    broadcaster: Broadcaster,
    supervisor: Supervisor,
    run: RunDirectory,
    guard: Guard,
    spec: Callable[..., LoadSpec],
    scenario: Callable[[str], str],
) -> None:
    broadcaster.abroad = f"http://127.0.0.2:{broadcaster.port}/main/"
    wanted = spec(scenario(SITTER), viewers=1, duration=3.0)
    load = await runner.start(supervisor, wanted, run, broadcaster.target(), guard)
    await load.wait()
    result = load.result()
    segments = next(row for row in result.requests if row.name == "segment")
    assert segments.failures == segments.requests > 0
    assert not broadcaster.served
    assert result.stream["startup"] == {}
    assert "127.0.0.2 is not in allow_hosts" in (run.path / "logs" / "load.log").read_text()


@pytest.mark.slow
async def test_the_scenarios_run_as_they_are(
    broadcaster: Broadcaster,
    supervisor: Supervisor,
    run: RunDirectory,
    tmp_path: Path,
    guard: Guard,
    spec: Callable[..., LoadSpec],
) -> None:
    picture = await runner.start(supervisor, spec("watch", viewers=3, duration=60.0), run, broadcaster.target(), guard)
    second = RunDirectory.create(tmp_path, "second")
    told = await runner.start(
        supervisor, spec("behaviour", viewers=9, duration=60.0), second, broadcaster.target(), guard
    )
    await until(lambda: len(broadcaster.served) == 3 and len(broadcaster.events) >= 12)
    await asyncio.gather(picture.stop(), told.stop())
    assert picture.result().stream["watched_seconds"] > 0
    kinds = {event["kind"] for event, _ in broadcaster.events.values()}
    assert {"view", "dwell"} < kinds <= {"view", "dwell", "like", "click"}
    assert told.result().behaviour["accepted"] == len(broadcaster.events)
