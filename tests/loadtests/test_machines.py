"""A worker on another machine: two network namespaces with a cable between them stand for the two."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEADER, FOLLOWER = "10.213.77.1", "10.213.77.2"

PLATFORM = """
import asyncio, json, sys
from aiohttp import web
from websockets.asyncio.server import serve

orders, sources = {}, set()

async def watch(connection):
    sources.add(connection.remote_address[0])
    assert connection.request.headers["Authorization"] == "Bearer of-this-machine"
    async for _ in connection:
        pass

async def order(request):
    wish, key = await request.json(), request.headers["Idempotency-Key"]
    orders[key] = {"order_id": key[:8], "key": key, "user": request.headers["X-User"], **wish}
    return web.json_response({"order_id": key[:8]}, status=201)

async def ledger(request):
    return web.Response(text="".join(json.dumps(order) + "\\n" for order in orders.values()))

async def seen(request):
    return web.json_response(sorted(sources))

async def main():
    app = web.Application()
    routes = [web.post("/orders", order), web.get("/admin/ledger", ledger), web.get("/seen", seen)]
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, sys.argv[1], 8002).start()
    async with serve(watch, sys.argv[1], 8001, compression=None):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""

SCENARIO = """
from loadtests.users import *

class Viewer(CrowdUser):
    wait_time = constant(0.2)

    def on_start(self):
        self.room = self.live.enter(self.identity)

    @task
    def buy(self):
        self.shop.order("soap")
"""

TARGET = f"""
apiVersion: flashcrowd/v1
kind: Target
metadata: {{name: elsewhere}}
spec:
  environment: test
  allow_hosts: [{LEADER}]
  max_viewers: 100
  identities: {{generate: 100}}
  live:
    url: ws://{LEADER}:8001/rooms/${{room}}
    headers: {{Authorization: "Bearer ${{env.CHAT_SECRET}}"}}
    say: '{{"text":"${{text}}"}}'
  shop:
    url: http://{LEADER}:8002
    order:
      request:
        path: /orders
        headers: {{Idempotency-Key: "${{key}}", X-User: "${{identity.user}}"}}
        json: {{sku: "${{sku}}", quantity: 1}}
    ledger: {{get: /admin/ledger}}
"""

Spawn = Callable[..., subprocess.Popen[str]]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@pytest.fixture
def machines() -> Iterator[tuple[str, str]]:
    """Two network namespaces, joined."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the program 'ip' (apt install iproute2)")
    leader, follower = (f"fc{os.getpid()}{side}" for side in "ab")
    cables = (f"v{os.getpid()}a", f"v{os.getpid()}b")
    try:
        try:
            _ip("netns", "add", leader)
            _ip("netns", "add", follower)
            _ip("link", "add", cables[0], "type", "veth", "peer", "name", cables[1])
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces can't be made here: {error.stderr.strip()}")
        for space, cable, address in ((leader, cables[0], LEADER), (follower, cables[1], FOLLOWER)):
            _ip("link", "set", cable, "netns", space)
            _ip("-n", space, "addr", "add", f"{address}/24", "dev", cable)
            for device in ("lo", cable):
                _ip("-n", space, "link", "set", device, "up")
        yield leader, follower
    finally:
        for space in (leader, follower):
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "del", space)
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("link", "del", cables[0])


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """Start a program in a namespace; all are gone afterwards."""
    children = list[subprocess.Popen[str]]()

    def start(space: str, *words: str, **env: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            ["ip", "netns", "exec", space, sys.executable, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            start_new_session=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def _files(tmp_path: Path) -> None:
    for name, text in (("platform.py.txt", PLATFORM), ("scenario.py", SCENARIO), ("target.yaml", TARGET)):
        (tmp_path / name).write_text(text)


def _load(spawn: Spawn, space: str, *more: str, secret: str = "of-this-machine") -> subprocess.Popen[str]:
    words = ["load", "run", "scenario.py", "--target", "target.yaml", "--bind", f"{LEADER}:5557", "--out", "runs"]
    return spawn(space, str(ROOT / "cli.py"), *words, *more, CHAT_SECRET=secret)


def _start_platform(spawn: Spawn, space: str) -> None:
    platform = spawn(space, "platform.py.txt", LEADER)
    assert platform.stdout is not None
    assert platform.stdout.readline() == "ready\n"


def _verdict(tmp_path: Path) -> dict[str, str]:
    (file,) = tmp_path.glob("runs/*/verdict.json")
    return {row["name"]: f"{row['outcome']}: {row['message']}" for row in json.loads(file.read_text())["findings"]}


def _buyers(tmp_path: Path) -> int:
    """How many viewers have ordered, by the history that has reached the master."""
    texts = [path.read_text() for path in tmp_path.glob("runs/*/load/history-*.jsonl")]
    return len(
        {json.loads(line)["user"] for text in texts for line in text.splitlines(keepends=True) if line[-1] == "\n"}
    )


@pytest.mark.slow
def test_a_worker_of_another_machine_gets_all_it_needs_from_the_master(machines, spawn, tmp_path):
    _files(tmp_path)
    leader, follower = machines
    _start_platform(spawn, leader)
    load = _load(spawn, leader, "--expect-workers", "1", "--viewers", "10", "--duration", "6s", secret="not-this-one")
    helper = spawn(
        follower, str(ROOT / "cli.py"), "load", "worker", "--master", f"{LEADER}:5557", CHAT_SECRET="of-this-machine"
    )
    said, complaints = load.communicate(timeout=90)
    assert load.returncode == 0, said + complaints
    assert helper.wait(20) == 0
    findings = _verdict(tmp_path)
    assert all(text.startswith("pass") for text in findings.values()), findings
    (run,) = (tmp_path / "runs").iterdir()
    orders = (run / "load" / "history-0.jsonl").read_text().splitlines()
    assert len(orders) > 20
    assert len({json.loads(line)["key"] for line in orders}) == len(orders)
    assert "of-this-machine" not in "".join(path.read_text() for path in run.rglob("*.json*"))


@pytest.mark.slow
def test_a_worker_without_the_secret_says_which(machines, spawn, tmp_path):
    _files(tmp_path)
    leader, follower = machines
    _start_platform(spawn, leader)
    _load(spawn, leader, "--expect-workers", "1", "--viewers", "10", "--duration", "6s")
    os.environ.pop("CHAT_SECRET", None)
    helper = spawn(follower, str(ROOT / "cli.py"), "load", "worker", "--master", f"{LEADER}:5557")
    _, complaints = helper.communicate(timeout=60)
    assert helper.returncode == 4
    assert "environment variable CHAT_SECRET" in complaints


@pytest.mark.slow
def test_a_machine_that_falls_silent_is_named_and_another_takes_its_viewers_over(machines, spawn, tmp_path):
    _files(tmp_path)
    leader, follower = machines
    _start_platform(spawn, leader)
    load = _load(
        spawn, leader, "--expect-workers", "1", "--workers", "1", "--viewers", "10", "--duration", "45s", "--over", "2s"
    )
    command = [str(ROOT / "cli.py"), "load", "worker", "--master", f"{LEADER}:5557"]
    helper = spawn(follower, *command, CHAT_SECRET="of-this-machine")
    until = time.monotonic() + 60
    while _buyers(tmp_path) < 10:
        assert time.monotonic() < until
        time.sleep(0.1)
    os.killpg(helper.pid, signal.SIGKILL)
    said, complaints = load.communicate(timeout=120)
    assert load.returncode == 3, said + complaints
    assert "was silent for 20 s with 5 viewers" in _verdict(tmp_path)["crowd/worker"]
