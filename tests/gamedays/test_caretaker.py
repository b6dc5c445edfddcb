"""The caretaker: what died is started again when somebody asks, and not before."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from flashcrowd.process import Child, Supervisor, accepts, free_port
from gamedays.target.caretaker import Caretaker

HOST = "127.0.0.1"
SLEEPER = [sys.executable, "-c", "import time; time.sleep(600.25)"]


@pytest.fixture
async def cared(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, list[Child], Path]]:
    """A client of a caretaker of two processes, these, and the folder of their pidfiles."""
    async with Supervisor(tmp_path) as supervisor:
        caretaker, port = Caretaker(supervisor), free_port()
        children = [
            supervisor.spawn(name, [sys.executable, "-c", "import time; time.sleep(600)"])
            for name in ("live-1", "live-2")
        ]
        for child in children:
            caretaker.take(child, tmp_path / f"{child.name}.pid", None)
        await caretaker.serve(HOST, port)
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as client:
            yield client, children, tmp_path
        assert await accepts(HOST, port)
    assert not await accepts(HOST, port)
    assert not any(child.alive for child in supervisor.children)
    assert not [one for one in psutil.Process().children() if one.cmdline() == SLEEPER]


async def ended(child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()


async def test_a_dead_process_is_started_again_with_its_pidfile(cared):
    client, (first, second), folder = cared
    await ended(first)
    answer = await client.post("/processes/live-1/start")
    assert answer.status_code == 200
    (pid,) = answer.json()["started"].values()
    assert (folder / "live-1.pid").read_text() == f"{pid}\n"
    rows = {row["name"]: row for row in (await client.get("/processes")).json()}
    assert (rows["live-1"]["pid"], rows["live-1"]["alive"], rows["live-1"]["restarts"]) == (pid, True, 1)
    assert (rows["live-2"]["pid"], rows["live-2"]["restarts"]) == (second.pid, 0)


async def test_one_that_runs_is_left_alone_and_an_unknown_one_told(cared):
    client, (first, _), folder = cared
    assert (await client.post("/processes/live-1/start")).status_code == 409
    assert (folder / "live-1.pid").read_text() == f"{first.pid}\n"
    assert (await client.post("/processes/shop/start")).status_code == 404


async def test_a_pattern_starts_all_that_are_down(cared):
    client, children, _ = cared
    for child in children:
        await ended(child)
    answers = await asyncio.gather(*(client.post("/processes/live-*/start") for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (started,) = [answer.json()["started"] for answer in answers if answer.status_code == 200]
    assert sorted(started) == ["live-1", "live-2"]
