"""Viewers held at once: storefront and crowd on one machine, a frame for each viewer every 10 s, for a minute.

`python benchmarks/bench_hold.py [VIEWERS]` (300,000 if not given). Memory and CPU of both sides while they hold.
"""

from __future__ import annotations

import asyncio
import re
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import zmq
import zmq.asyncio

from flashcrowd.guard import Guard
from flashcrowd.process import Child, Supervisor, free_port
from flashcrowd.rundir import RunDirectory
from flashcrowd.target import Target
from gamedays import embedded
from loadtests import runner

HOLD = 60
ROOMS = 10
"""One of them gets a frame each second, so that every viewer gets one each 10 s."""

ARRIVE = 1_500
"""Viewers a second, so that handshakes leave the cores some time."""

PATIENCE = 300
NEWS = b'{"type":"news","text":"' + b"x" * 60 + b'"}'
SCENARIO = """
from loadtests.users import CrowdUser, constant, task

class Viewer(CrowdUser):
    wait_time = constant(86400)

    def on_start(self):
        self.room = self.live.enter(self.identity)
        self.look_around()

    @task
    def nothing(self): ...
"""


@dataclass(frozen=True)
class Usage:
    """Bytes of memory, and seconds of CPU so far."""

    memory: int
    cpu: float


def usage(children: list[Child]) -> Usage:
    """Of processes together, by /proc: proportional set size where the kernel tells it."""
    memory, cpu, tick = 0, 0.0, 100
    for child in children:
        smaps = Path(f"/proc/{child.pid}/smaps_rollup").read_text(encoding="ascii")
        memory += int(re.search(r"^Pss:\s+(\d+)", smaps, re.M)[1]) * 1024  # type: ignore[index]
        fields = Path(f"/proc/{child.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        cpu += (int(fields[11]) + int(fields[12])) / tick
    return Usage(memory, cpu)


def socket_memory() -> int:
    """Bytes that the kernel holds for TCP: pages of buffers, and the sockets themselves."""
    pages = int(re.search(r"^TCP: .* mem (\d+)", Path("/proc/net/sockstat").read_text(encoding="ascii"), re.M)[1])  # type: ignore[index]
    slab = 0
    for line in Path("/proc/slabinfo").read_text(encoding="ascii").splitlines()[2:]:
        name, _, count, size, *_ = line.split()
        if name in ("TCP", "TCPv6", "sock_inode_cache", "filp", "dentry", "request_sock_TCP", "tw_sock_TCP"):
            slab += int(count) * int(size)
    return pages * resource.getpagesize() + slab


async def figures(addresses: list[str], *names: str) -> dict[str, float]:
    """Sums over several processes' metrics."""
    found = dict.fromkeys(names, 0.0)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for address in addresses:
            text = (await client.get(f"http://{address}/metrics")).text
            for name in names:
                found[name] += sum(float(value) for value in re.findall(rf"^{re.escape(name)} (\S+)$", text, re.M))
    return found


CONNECTED = 'flashcrowd_viewers{state="connected"}'
AGAIN = 'flashcrowd_requests_total{name="reconnect",outcome="ok"}'
FAILED = 'flashcrowd_requests_total{name="connect",outcome="error"}'
READS = "flashcrowd_generator_reads_total"
SATURATED = "flashcrowd_generator_saturated"
SENT, DROPPED, REFUSED = "live_frames_sent_total", "live_dropped_viewers_total", "live_refused_total"


async def start_live(supervisor: Supervisor, viewers: int) -> tuple[Target, list[Child], list[str], int]:
    addresses = embedded.Addresses(embedded.live_processes(viewers))
    bus = {
        "STOREFRONT_BUS_IN": f"tcp://127.0.0.1:{addresses.bus_in}",
        "STOREFRONT_BUS_OUT": f"tcp://127.0.0.1:{addresses.bus_out}",
    }
    servers = [supervisor.spawn("bus", [sys.executable, "-m", "storefront.bus"], bus)]
    for number, port in enumerate(addresses.live_metrics):
        env = {"LIVE_PORT": str(addresses.live), "LIVE_METRICS_PORT": str(port), **bus}
        servers.append(supervisor.spawn(f"live-{number}", [sys.executable, "-m", "storefront.live"], env))
    metrics = [f"127.0.0.1:{port}" for port in addresses.live_metrics]
    for child, address in zip(servers[1:], metrics, strict=True):
        await child.ready(lambda address=address: healthy(address), timeout=120)
    whole = embedded.describe(addresses, "http://127.0.0.1:1")
    assert whole.spec.live is not None
    live = whole.spec.live.model_copy(update={"heartbeat": None})
    target = whole.model_copy(update={"spec": whole.spec.model_copy(update={"live": live, "shop": None})})
    return target, servers, metrics, addresses.bus_in


async def healthy(address: str) -> bool:
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        try:
            return (await client.get(f"http://{address}/healthz")).is_success
        except httpx.HTTPError:
            return False


async def publish(port: int) -> None:
    """A frame for one room each second."""
    context = zmq.asyncio.Context()
    with context, context.socket(zmq.PUB) as bus:
        bus.connect(f"tcp://127.0.0.1:{port}")
        due, turn = time.monotonic(), 0
        while True:
            await bus.send_multipart([f"event/r{turn % ROOMS}".encode(), NEWS])
            turn, due = turn + 1, due + 1.0
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def hold(viewers: int, folder: Path) -> None:
    run = RunDirectory.create(folder, "hold")
    scenario = folder / "hold.py"
    scenario.write_text(SCENARIO, encoding="utf-8")
    async with Supervisor(run.path / "logs") as supervisor:
        target, servers, metrics, bus = await start_live(supervisor, viewers)
        rooms = tuple(f"r{number}" for number in range(ROOMS))
        over = viewers / ARRIVE
        spec = runner.LoadSpec(
            str(scenario), viewers, over=over, duration=over + PATIENCE + HOLD, rooms=rooms, metrics_port=free_port()
        )
        load = await runner.start(supervisor, spec, run, target, Guard(["127.0.0.1"]))
        crowd = [child for child in supervisor.children if child.name.startswith("load")]
        waiting = asyncio.create_task(load.wait())
        began = time.monotonic()
        while (now := (await figures([load.metrics_address], CONNECTED, FAILED)))[CONNECTED] < viewers:
            say(f"\r{now[CONNECTED]:,.0f} connected, {now[FAILED]:,.0f} attempts failed ")
            if waiting.done() or time.monotonic() - began > over + PATIENCE:
                sys.exit(f"only {now[CONNECTED]:,.0f} of {viewers:,} viewers connected; see {run.path}/logs")
            await asyncio.sleep(1)
        took = time.monotonic() - began
        news = asyncio.create_task(publish(bus))
        await asyncio.sleep(5)
        names = (CONNECTED, AGAIN, FAILED, READS, SATURATED)
        before = (await figures([load.metrics_address], *names), await figures(metrics, SENT, DROPPED, REFUSED))
        used, since, fewest, saturated = (usage(servers), usage(crowd)), time.monotonic(), float(viewers), 0.0
        while time.monotonic() - since < HOLD:
            await asyncio.sleep(1)
            now = await figures([load.metrics_address], *names)
            fewest, saturated = min(fewest, now[CONNECTED]), saturated + now[SATURATED]
        seconds = time.monotonic() - since
        after = (await figures([load.metrics_address], *names), await figures(metrics, SENT, DROPPED, REFUSED))
        spent = (usage(servers), usage(crowd))
        kernel = socket_memory()
        news.cancel()
        await load.stop()
        await waiting
        say("\r" + " " * 60 + "\r")
        again = after[0][AGAIN] - before[0][AGAIN]
        lines = [
            f"{viewers:,} viewers connected within {took:.0f} s, then held for {seconds:.0f} s",
            f"fewest connected {fewest:,.0f}; reconnects {again:.0f}; dropped by the server "
            f"{after[1][DROPPED]:.0f}; refused {after[1][REFUSED]:.0f}; failed attempts on the way in "
            f"{after[0][FAILED]:.0f}; seconds saturated {saturated:.0f}",
            f"frames: {after[1][SENT] - before[1][SENT]:,.0f} sent, {after[0][READS] - before[0][READS]:,.0f} reads",
        ]
        for name, children, first, last in zip(("storefront", "crowd"), (servers, crowd), used, spent, strict=True):
            share = (last.cpu - first.cpu) / seconds
            lines.append(f"{name:<12}{len(children):>3} processes {_memory(last.memory, viewers)} {share:>7.2f} cores")
        lines.append(f"{'kernel':<27}{_memory(kernel, viewers)}, TCP of both sides")
        sys.stdout.write("\n".join(lines) + "\n")


def _memory(size: int, viewers: int) -> str:
    return f"{size / 2**20:>9,.0f} MiB {size / viewers / 1024:>7.1f} KiB a viewer"


def say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(hold(int(sys.argv[1].replace(",", "")) if len(sys.argv) > 1 else 300_000, Path(folder)))


if __name__ == "__main__":
    main()
