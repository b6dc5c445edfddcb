"""Resources taken from a service, seen by what it and the kernel do, and given back by a person's command."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from stands.resources import Service, holders, service, small_disk

from chaos.fault import Injection
from chaos.faults import KINDS, parse_fault
from chaos.faults.resource_memory import MemoryInjection
from chaos.kinds.holding import end_of
from chaos.kinds.processes import ProcessId
from chaos.undolog import Record
from flashcrowd.errors import GuardError, InputError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.target import Component

IDENTITY = uuid.uuid4().hex[:12]
"""Control groups are named after it, and another run of these tests on this machine has its own."""

WORK = 0.01
"""Seconds of a CPU that an answer takes at least."""


@pytest.fixture
async def it(tmp_path, children, log) -> AsyncIterator[Service]:
    async with service(tmp_path, children) as started:
        yield started


async def prepared(component: dict[str, Any], **fault: Any) -> Injection:
    kind = fault["kind"]
    if (reason := KINDS[kind].capability()) is not None:
        pytest.skip(f"{kind}: {reason}")
    parsed = parse_fault({"on": "live", "for": "60s", **fault})
    return await parsed.prepare(IDENTITY, Component.model_validate(component), Guard(["127.0.0.1"]))


@asynccontextmanager
async def injected(component: dict[str, Any], **fault: Any) -> AsyncIterator[Injection]:
    """In place until the end of the block, and healed then."""
    injection = await prepared(component, **fault)
    try:
        await injection.inject()
        yield injection
    finally:
        await injection.heal()
        probe = await injection.healed()
    assert probe.ok, probe.message


async def heal_by_hand(injection: Injection) -> None:
    """As a person would, and see that nothing is left for us."""
    await asyncio.to_thread(subprocess.run, injection.by_hand(), shell=True, check=True)
    async with asyncio.timeout(10):
        while not (await injection.healed()).ok:
            await asyncio.sleep(0.01)


@contextmanager
def started(program: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process that is killed at the end of the block."""
    command = [sys.executable, "-c", program, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def oom_score(process: psutil.Process) -> str:
    return Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip()


def left(disk: Path) -> int:
    return os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize


async def seconds(url: str, count: int = 5) -> float:
    """The median time of some answers, one after the other."""
    took = []
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        for _ in range(count):
            start = time.monotonic()
            assert (await client.get(url)).status_code == 200
            took.append(time.monotonic() - start)
    return statistics.median(took)


async def answered(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=1) as client:
            return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


async def test_burners_leave_a_service_less_than_the_cpu_that_it_wants(it, tmp_path, until):
    (cpu,) = psutil.Process(it.pid).cpu_affinity()
    async with injected(it.component, kind="resource.cpu", workers=3) as injection:
        assert await seconds(it.url, 9) > 1.5 * WORK
        assert len(burners := holders(tmp_path)) == 1 + 3
        assert {tuple(one.cpu_affinity()) for one in burners} == {(cpu,)}
        assert (probe := await injection.bites()).ok, probe.message
        await heal_by_hand(injection)
        await until(lambda: not holders(tmp_path))
        assert not (await injection.bites()).ok


async def test_a_burner_uses_no_more_than_its_load(it, tmp_path):
    async with injected(it.component, kind="resource.cpu", workers=1, load="20%"):
        burner = max(holders(tmp_path), key=lambda one: one.ppid() != os.getpid())
        before, start = burner.cpu_times().user, time.monotonic()
        await asyncio.sleep(1.0)
        used = (burner.cpu_times().user - before) / (time.monotonic() - start)
    assert 0 < used < 0.35


async def test_memory_is_really_taken_and_is_the_first_that_the_kernel_takes_back(it, tmp_path, until):
    async with injected(it.component, kind="resource.memory", size="128MiB") as injection:
        (holder,) = holders(tmp_path)
        assert holder.memory_info().rss >= 128 * 2**20
        assert oom_score(holder) == "1000"
        await heal_by_hand(injection)
        await until(lambda: not holders(tmp_path))


async def test_a_write_to_a_full_disk_fails_until_it_is_healed_by_hand(tmp_path, log, until):
    with small_disk(tmp_path) as disk:
        async with injected({"folder": str(disk)}, kind="resource.disk", leave="0") as injection:
            with pytest.raises(OSError) as failure:
                (disk / "orders").write_bytes(bytes(2**20))
            assert failure.value.errno == errno.ENOSPC
            (disk / "orders").unlink()
            assert list(disk.iterdir()) == []
            assert (probe := await injection.bites()).ok, probe.message
            await heal_by_hand(injection)
            await until(lambda: left(disk) > 2**20)
            assert (disk / "orders").write_bytes(bytes(2**20)) == 2**20


async def test_a_disk_keeps_the_room_that_is_to_be_left_whatever_is_freed(tmp_path, log, until):
    with small_disk(tmp_path) as disk:
        (old := disk / "old").write_bytes(bytes(16 * 2**20))

        async with injected({"folder": str(disk)}, kind="resource.disk", leave="8MiB") as injection:
            assert left(disk) == 8 * 2**20
            assert (probe := await injection.bites()).ok, probe.message
            old.unlink()
            await until(lambda: left(disk) == 8 * 2**20)


async def test_a_service_without_descriptors_answers_nobody_until_it_is_healed_by_hand(it, until):
    assert await answered(it.url)
    async with injected(it.component, kind="resource.files") as injection:
        assert not await answered(it.url)
        assert (probe := await injection.bites()).ok, probe.message
        await heal_by_hand(injection)
        await until(lambda: answered(it.url))
        assert not (await injection.model_copy(update={"patience": 0.1}).bites()).ok


async def test_what_a_service_started_meanwhile_gets_its_limit_back_too(tmp_path, log, until):
    with started("import os, sys, signal\nsys.stdin.readline()\nos.fork()\nsignal.pause()\n") as process:
        (pidfile := tmp_path / "forks.pid").write_text(str(process.pid))
        before = psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE)
        async with injected({"process": {"pidfile": str(pidfile)}}, kind="resource.files", spare=9):
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
            await until(lambda: psutil.Process(process.pid).children())
            (child,) = psutil.Process(process.pid).children()
            assert child.rlimit(psutil.RLIMIT_NOFILE) != before
        assert child.rlimit(psutil.RLIMIT_NOFILE) == before
        child.kill()


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ({"kind": "resource.cgroup", "cpu": "50%"}, "cpu throttled in 0 of "),
        ({"kind": "resource.files", "spare": 5}, "5 of "),
        ({"kind": "resource.cpu", "load": "1%"}, "idle ("),
    ],
)
async def test_what_an_idle_component_does_not_feel_does_not_bite(tmp_path, log, fault, seen):
    with started("print(1, flush=True)\ninput()") as idle:
        assert idle.stdout is not None
        idle.stdout.readline()
        (pidfile := tmp_path / "idle.pid").write_text(str(idle.pid))
        async with injected({"process": {"pidfile": str(pidfile)}}, **fault, **{"for": "1s"}) as injection:
            probe = await injection.bites()
    assert not probe.ok
    assert probe.message.startswith(seen)


async def test_a_cpu_quota_makes_answers_as_slow_as_it_says(it, until):
    async with injected(it.component, kind="resource.cgroup", cpu="5%") as injection:
        assert await seconds(it.url, 3) > 0.06
        assert (probe := await injection.bites()).ok, probe.message
        await heal_by_hand(injection)

        async def fast() -> bool:
            return await seconds(it.url, 3) < 0.06

        await until(fast)


async def test_a_service_that_may_start_no_thread_answers_nobody_until_it_is_healed(it, until):
    async with injected(it.component, kind="resource.cgroup", pids=0, memory="512MiB") as injection:
        assert not await answered(it.url)
        looks = [look for quota in injection.quotas for look in zip(quota.controllers, quota.looks(), strict=True)]
        assert {controller: met for controller, (met, _) in looks} == {"pids": True, "memory": False}
        await heal_by_hand(injection)
        await until(lambda: answered(it.url))


async def test_a_service_that_needs_more_memory_than_its_limit_is_ended_by_the_kernel(it, until):
    async with injected(it.component, kind="resource.cgroup", memory="32MiB"):
        assert not await answered(f"{it.url}memory/{256 * 2**20}")
        await until(lambda: psutil.Process(it.pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (
            {"kind": "resource.memory", "size": "1000TiB"},
            GuardError,
            r"may not be taken: floor, .* 256 MiB must be left",
        ),
        ({"kind": "resource.memory", "leave": "1000TiB"}, NeedError, r"nothing to take; leave less"),
        ({"kind": "resource.disk", "leave": "0"}, GuardError, r"room-to-heal.* 512 MiB must be left"),
        ({"kind": "resource.disk", "size": "1000TiB"}, GuardError, r"room-to-heal.* a file system of its own"),
        ({"kind": "resource.files", "spare": 2**31}, NeedError, r"can't open 2147483648 more of its .* spare less"),
    ],
)
async def test_what_would_take_too_much_is_refused(it, tmp_path, fault, error, reason):
    with pytest.raises(error, match=reason):
        await prepared({**it.component, "folder": str(tmp_path)}, **fault)


async def test_a_folder_that_is_not_there_is_told(tmp_path, log):
    with pytest.raises(NeedError, match=r"components.live.folder: .* is no folder that this user may write to"):
        await prepared({"folder": str(tmp_path / "nowhere")}, kind="resource.disk", leave="0")


async def test_a_group_takes_no_process_of_ours_with_a_component_that_started_it(tmp_path, until):
    child = "[sys.executable, '-c', 'input()', '-m', 'chaos.proxy']"
    with started(f"import subprocess, sys\nsubprocess.Popen({child}, stdin=subprocess.PIPE).wait()") as process:
        await until(lambda: psutil.Process(process.pid).children())
        (pidfile := tmp_path / "it.pid").write_text(str(process.pid))
        (one,) = psutil.Process(process.pid).children()
        await until(lambda: "chaos.proxy" in one.cmdline())
        with pytest.raises(GuardError, match=f"process {one.pid}, .* may not be touched: not-ours"):
            await prepared({"process": {"pidfile": str(pidfile)}}, kind="resource.cgroup", pids=9)
        one.kill()


async def test_a_second_cgroup_on_the_same_processes_is_refused(it):
    async with injected(it.component, kind="resource.cgroup", pids=100):
        with pytest.raises(NeedError, match=r"another resource.cgroup is on it .*; heal that one first"):
            await prepared(it.component, kind="resource.cgroup", pids=50)


async def test_a_second_limit_of_files_on_the_same_process_is_refused(it, log):
    fault = parse_fault({"kind": "resource.files", "on": "live", "for": "60s"})
    async with injected(it.component, kind="resource.files", spare=20) as injection:
        log.make()
        log.write(Record.new(IDENTITY, fault, injection, ProcessId.of(os.getpid()), None))
        with pytest.raises(NeedError, match=r"another resource.files is on process .*; heal that one first"):
            await prepared(it.component, kind="resource.files")


@pytest.mark.parametrize("kind", ["resource.cpu", "resource.memory", "resource.files", "resource.cgroup"])
def test_a_component_without_a_process_is_refused(kind):
    fields = {"resource.memory": {"size": "1MiB"}, "resource.cgroup": {"pids": 1}}.get(kind, {})
    reason = parse_fault({"kind": kind, "on": "live", "for": "1s", **fields}).check(Component())
    assert reason is not None
    assert reason.startswith("live has no process; give it one")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "resource.memory"}, "wants either size"),
        ({"kind": "resource.disk", "size": "1MiB", "leave": "0"}, "wants either size"),
        ({"kind": "resource.memory", "leave": "1MiB"}, "leave: "),
        ({"kind": "resource.disk", "size": "lots"}, "size: 'lots' is not a size; write 500MiB"),
        ({"kind": "resource.cpu", "workers": 0}, "workers: "),
        ({"kind": "resource.cpu", "load": "200%"}, "load: "),
        ({"kind": "resource.files", "spare": -1}, "spare: "),
        ({"kind": "resource.cgroup"}, "wants cpu, memory or pids"),
        ({"kind": "resource.cgroup", "cpu": 2}, "cpu: '2' is no share of a core; write 20%"),
    ],
)
def test_wrong_parameters_are_told_with_their_place(fault, message):
    with pytest.raises(InputError) as error:
        parse_fault({"on": "live", "for": "60s", **fault})
    assert str(error.value).startswith(message)


async def test_what_is_no_longer_there_to_be_had_is_told_and_nothing_is_held(tmp_path, log, monkeypatch):
    monkeypatch.setattr("chaos.faults.resource_memory.FLOOR", 2**50)
    injection = MemoryInjection(identity=IDENTITY, until=end_of(60), size=2**50, before=2**50)
    with pytest.raises(NeedError, match=f"there was no more above the floor of {2**50 >> 20} MiB"):
        await injection.inject()
    await injection.heal()
    assert holders(tmp_path) == []


HOLDS = f"""
import asyncio, sys
from chaos.faults.resource_memory import MemoryInjection
from chaos.kinds.holding import end_of
async def main():
    await MemoryInjection(identity="{IDENTITY}", until=end_of(float(sys.argv[1])), size=2**20, before=0).inject()
    print("holds", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
"""An injector without a reverter."""


async def test_a_holder_dies_with_its_injector_without_anybody_to_heal(tmp_path, log, until):
    with started(HOLDS, "60") as injector:
        assert injector.stdout is not None
        assert injector.stdout.readline() == b"holds\n"
        assert len(holders(tmp_path)) == 1
        injector.kill()
        await until(lambda: not holders(tmp_path))


async def test_a_holder_ends_at_its_time_though_its_injector_is_stopped(tmp_path, log, until):
    with started(HOLDS, "0.5") as injector:
        assert injector.stdout is not None
        assert injector.stdout.readline() == b"holds\n"
        injector.send_signal(signal.SIGSTOP)
        assert len(holders(tmp_path)) == 1
        await until(lambda: not holders(tmp_path))
