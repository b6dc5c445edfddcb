"""Faults on processes: whom they may touch, what they do to a real service, and that it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from stands.processes import HOST, is_stopped, kept, runs, words, written

from chaos.faults import parse_fault
from chaos.injector import Injector
from chaos.kinds.processes import find
from flashcrowd.errors import GuardError, NeedError
from flashcrowd.guard import Guard
from flashcrowd.process import free_port
from flashcrowd.target import Component

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@contextlib.contextmanager
def sleeper(*more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing. Popen returns a moment before the kernel has laid out its command line."""
    process = subprocess.Popen([*SLEEPER, *more])
    try:
        until = time.monotonic() + 10
        while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
            assert time.monotonic() < until
        yield process
    finally:
        process.kill()
        process.wait()


def component(pidfile: Path, **process: object) -> Component:
    return Component.model_validate({"process": {"pidfile": str(pidfile), **process}})


def pidfile(folder: Path, pid: int, name: str = "it") -> Path:
    file = folder / f"{name}.pid"
    file.write_text(f"{pid}\n")
    return file


def pause(**more: object):
    return parse_fault({"kind": "process.pause", "on": "it", "for": "30s", **more})


@pytest.mark.parametrize("whom", ["ourselves", "an ancestor"])
def test_neither_this_process_nor_one_that_it_descends_from_is_touched(tmp_path, whom):
    file = pidfile(tmp_path, os.getpid() if whom == "ourselves" else os.getppid())
    with pytest.raises(GuardError, match=r"components\.it\.process: process \d+ .*: rule not-ours"):
        pause().processes(component(file))


def test_process_1_is_not_touched(tmp_path):
    with pytest.raises(GuardError, match="rule not-pid-1: all others hang on it"):
        pause().processes(component(pidfile(tmp_path, 1)))


@pytest.mark.parametrize("module", ["chaos.proxy", "chaos.reverter", "loadtests.worker", "gamedays.verbs.load_worker"])
def test_flashcrowds_own_processes_are_not_touched(tmp_path, module):
    with sleeper("-m", module) as process, pytest.raises(GuardError, match="rule not-ours"):
        pause().processes(component(pidfile(tmp_path, process.pid)))


def test_a_number_that_has_been_used_again_is_not_touched(tmp_path):
    with sleeper() as process:
        file = pidfile(tmp_path, process.pid)
        os.utime(file, (time.time() - 3600, time.time() - 3600))
        with pytest.raises(GuardError, match=r"rule not-reused: it started at .*, after its pidfile was written"):
            pause().processes(component(file))


def test_a_process_with_another_command_line_is_not_touched(tmp_path):
    with sleeper("shop-server") as process:
        file = pidfile(tmp_path, process.pid)
        assert pause().processes(component(file, command="shop-server"))
        with pytest.raises(GuardError, match="rule by-command: its command line has no 'inventory-server'"):
            pause().processes(component(file, command="inventory-server"))


def test_a_pidfile_that_is_a_link_or_everybodys_is_not_believed(tmp_path):
    with sleeper() as process:
        file = pidfile(tmp_path, process.pid)
        (link := tmp_path / "link.pid").symlink_to(file)
        with pytest.raises(GuardError, match="rule trusted-pidfile: it is a link"):
            pause().processes(component(link))
        file.chmod(0o666)
        with pytest.raises(GuardError, match="rule trusted-pidfile: everybody may write it; chmod o-w"):
            pause().processes(component(file))


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "holds no process id"), ("0", "holds no process id"), ("-1", "holds no process id"), ("x", "no process id")],
)
def test_a_pidfile_without_a_process_id_is_told(tmp_path, text, message):
    (file := tmp_path / "it.pid").write_text(text)
    with pytest.raises(NeedError, match=message):
        pause().processes(component(file))


def test_a_process_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NeedError, match=r"there is no .*it\.pid; start what writes it"):
        pause().processes(component(tmp_path / "it.pid"))
    with sleeper() as process:
        file = pidfile(tmp_path, process.pid)
    with pytest.raises(NeedError, match="no process runs with the id in"):
        pause().processes(component(file))


def test_of_several_processes_as_many_are_touched_as_is_said(tmp_path):
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(sleeper()) for _ in range(5)]
        files = [pidfile(tmp_path, one.pid, f"live-{number}") for number, one in enumerate(processes)]
        several = component(tmp_path / "live-*.pid")
        assert [one.name for one in find(several.process, "it")] == [file.stem for file in files]

        def touched(**more: object) -> list[str]:
            return [one.name for one in pause(**more).processes(several)]

        assert touched() == ["live-0"]
        assert touched(count=2) == ["live-0", "live-1"]
        assert touched(share="30%") == ["live-0", "live-1"]
        assert touched(share="100%") == [file.stem for file in files]
        with pytest.raises(NeedError, match="5 of them run, 6 are to be touched"):
            touched(count=6)


def test_what_cannot_be_started_again_is_not_killed(tmp_path):
    fault = parse_fault({"kind": "process.kill", "on": "it", "for": "9s"})
    assert "start" in (fault.check(component(tmp_path / "it.pid")) or "")
    assert "has no process" in (fault.check(Component()) or "")


async def longest_gap(url: str, until: asyncio.Event) -> float:
    """The longest time without an answer, seen by a client of our own that asks all the time."""
    longest, last = 0.0, time.monotonic()
    async with httpx.AsyncClient(trust_env=False, timeout=0.5) as client:
        while not until.is_set():
            with contextlib.suppress(httpx.HTTPError):
                await client.get(url, headers={"connection": "close"})
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            await asyncio.sleep(0.01)
    return max(longest, time.monotonic() - last)


async def test_a_pause_is_a_gap_for_whoever_asks(tmp_path, children, log):
    async with kept(tmp_path, children) as (described, file):
        it, over = Component.model_validate(described), asyncio.Event()
        watching = asyncio.create_task(longest_gap(str(it.probe), over))
        async with Injector({"it": it}, Guard([HOST]), log, lambda *event: None) as injector:
            active = await injector.inject(pause())
            assert active.bite.ok, active.bite.message
            assert is_stopped(file)
            await asyncio.sleep(0.5)
        over.set()
        assert await watching >= 0.5
        assert not is_stopped(file)


async def test_one_that_was_stopped_before_is_left_as_it_is(tmp_path, children, log):
    async with kept(tmp_path, children) as (described, file):
        pid = int(file.read_text())
        os.kill(pid, signal.SIGSTOP)
        while not is_stopped(file):
            await asyncio.sleep(0.01)
        async with Injector(
            {"it": Component.model_validate(described)}, Guard([HOST]), log, lambda *e: None
        ) as injector:
            with pytest.raises(NeedError, match=f"stopped already.*kill -CONT {pid}"):
                await injector.inject(pause())
        assert is_stopped(file)
        os.kill(pid, signal.SIGCONT)


async def test_one_that_somebody_else_has_restarted_is_healed(tmp_path, children, log):
    async with kept(tmp_path, children) as (described, file):
        it, first = Component.model_validate(described), file.read_text()
        async with Injector({"it": it}, Guard([HOST]), log, lambda *event: None) as injector:
            active = await injector.inject(parse_fault({"kind": "process.kill", "on": "it", "for": "30s"}))
            assert not runs(file)
            async with httpx.AsyncClient(trust_env=False) as client:
                start = described["process"]["start"]["post"].replace("${name}", "inventory")
                assert (await client.post(start)).status_code == 200
                while file.read_text() == first or not runs(file):
                    await asyncio.sleep(0.01)
            second = file.read_text()
            assert (await active.heal()).ok
            assert file.read_text() == second


async def test_a_process_whose_supervisor_is_gone_is_healed_as_well(tmp_path, children, log):
    async with kept(tmp_path, children) as (described, _):
        it = Component.model_validate(described)
        async with Injector({"it": it}, Guard([HOST]), log, lambda *event: None) as injector:
            active = await injector.inject(parse_fault({"kind": "process.kill", "on": "it", "for": "30s"}))
            (keeper,) = children.children
            keeper.kill()
            await keeper.wait()
            probe = await active.heal()
        assert probe.ok
        assert "is gone as well" in probe.message


async def test_a_process_that_a_command_starts_is_started_once_and_outlives_its_healer(tmp_path, children, log):
    port, file = free_port(), tmp_path / "inventory.pid"
    command = words(file, port)
    first = children.spawn("inventory", command)
    await first.ready(lambda: written(file))
    it = Component.model_validate({"process": {"pidfile": str(file), "start": {"command": command}}})
    async with Injector({"it": it}, Guard([HOST]), log, lambda *event: None) as injector:
        active = await injector.inject(parse_fault({"kind": "process.kill", "on": "it", "for": "30s"}))
        await asyncio.gather(active.injection.heal(), active.injection.heal(), active.heal())
    second = int(file.read_text())
    try:
        assert second != first.pid
        assert runs(file)
        assert os.getsid(second) == second
        everybody = await asyncio.to_thread(subprocess.check_output, ["pgrep", "-f", "--", str(file)], text=True)
        assert [int(pid) for pid in everybody.split()] == [second]
    finally:
        os.kill(second, signal.SIGKILL)


@pytest.mark.parametrize("kind", ["process.pause", "process.kill"])
async def test_the_command_to_heal_by_hand_heals(tmp_path, children, log, kind, until, shell):
    async with kept(tmp_path, children) as (described, file):
        it = Component.model_validate(described)
        async with Injector({"it": it}, Guard([HOST]), log, lambda *event: None) as injector:
            active = await injector.inject(parse_fault({"kind": kind, "on": "it", "for": "30s"}))
            await shell(active.injection.by_hand())
            await until(lambda: runs(file) and not is_stopped(file))


async def test_a_restart_is_another_process_and_a_gap(tmp_path, children, log):
    async with kept(tmp_path, children) as (described, file):
        it, first = Component.model_validate(described), file.read_text()
        async with Injector({"it": it}, Guard([HOST]), log, lambda *event: None) as injector:
            active = await injector.inject(parse_fault({"kind": "process.restart", "on": "it", "for": "30s"}))
            assert active.bite.ok, active.bite.message
            assert active.bite.figures["gap_ms"] > 0
        assert file.read_text() != first
