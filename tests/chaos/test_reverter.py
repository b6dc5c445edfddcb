"""The reverter: whatever ends or stops an injector, no fault is left, no record, no process."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from chaos.recovery import ActiveFault, Outcome, recover, status
from chaos.undolog import Record

INJECTOR = """
import asyncio, sys
from chaos.faults import parse_fault
from chaos.injector import Injector
from chaos.undolog import UndoLog
from flashcrowd.guard import Guard
from flashcrowd.target import Component, Link

async def main(url, name, lasts):
    component = Component(link=Link(toxiproxy=url, proxy=name))
    fault = parse_fault({"kind": "network.latency", "on": "it", "delay": "30ms", "for": lasts})
    async with Injector({"it": component}, Guard(["127.0.0.1"]), UndoLog.default(), lambda *event: None) as injector:
        print("begin", flush=True)
        while True:
            active = await injector.inject(fault)
            print("injected", flush=True)
            await asyncio.sleep(0.3 if lasts == "60s" else 3600)
            await active.heal()

asyncio.run(main(*sys.argv[1:]))
"""


class Script:
    """A running injector."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def says(self, word: bytes) -> None:
        assert self.process.stdout is not None
        while (line := await asyncio.wait_for(self.process.stdout.readline(), 30)).strip() != word:
            assert line, "the injector ended"

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def is_stopped(self) -> bool:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"


@pytest.fixture
async def inject(proxy, service, log):
    """Starts injector processes, each with a proxy of its own."""
    scripts: list[Script] = []

    async def start(name: str, lasts: str = "60s") -> Script:
        await proxy.create(name, service)
        command = [sys.executable, "-c", INJECTOR, proxy.url, name, lasts]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        scripts.append(Script(process))
        return scripts[-1]

    yield start
    for script in scripts:
        if script.process.returncode is None:
            script.process.kill()
        await script.process.wait()


@pytest.fixture
def reverters(log):
    """The reverter processes of this test's undo log."""

    def find() -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if b"chaos.reverter" in command and str(log.folder).encode() in command:
                found.append(int(folder.name))
        return found

    return find


@pytest.mark.slow
async def test_an_injector_killed_at_any_moment_leaves_nothing(proxy, inject, log, reverters, until):
    signals = [signal.SIGKILL] * 5 + [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]

    async def kill(number: int, sign: signal.Signals) -> None:
        script = await inject(f"link-{number}")
        await script.says(b"begin")
        await asyncio.sleep(random.uniform(0, 1.2))
        script.signal(sign)
        await script.process.wait()

    await asyncio.gather(*(kill(number, sign) for number, sign in enumerate(signals)))

    async def toxics() -> list[list[str]]:
        return [found for number in range(len(signals)) if (found := await proxy.toxics(f"link-{number}"))]

    async def no_toxic_is_left() -> bool:
        return await toxics() == []

    async def no_record_is_left() -> bool:
        return log.all() == []

    await until(lambda: reverters() == [])
    await until(no_toxic_is_left)
    await until(no_record_is_left)


async def test_a_killed_injectors_fault_is_healed_at_once(proxy, inject, log, until):
    script = await inject("inventory", lasts="1h")
    await script.says(b"injected")
    assert len(await proxy.toxics("inventory")) == 1
    script.signal(signal.SIGKILL)

    async def healed() -> bool:
        return await proxy.toxics("inventory") == []

    await until(healed, timeout=5)
    await until(lambda: log.all() == [])
    await until(lambda: "its injector is gone: p50 " in (log.folder / "reverter.log").read_text())


async def test_a_stopped_injectors_fault_is_healed_when_its_time_is_up(proxy, inject, log, reverters, until):
    script = await inject("inventory", lasts="6s")
    await script.says(b"injected")
    script.signal(signal.SIGSTOP)
    assert len(await proxy.toxics("inventory")) == 1
    await until(lambda: log.all() == [])
    assert await proxy.toxics("inventory") == []
    await until(lambda: "its time is up" in (log.folder / "reverter.log").read_text())
    script.signal(signal.SIGKILL)
    await until(lambda: reverters() == [])


async def test_when_both_are_killed_recovery_heals(proxy, inject, log, reverters, until):
    script = await inject("inventory", lasts="1h")
    await script.says(b"injected")
    (held,) = status(log)
    assert isinstance(held, ActiveFault)
    assert (held.injector, held.injector_alive) == (script.process.pid, True)
    assert [one.outcome for one in await recover(log)] == [Outcome.HELD]
    script.signal(signal.SIGSTOP)
    await until(script.is_stopped)  # else it gives its fault a new reverter
    for pid in reverters():
        os.kill(pid, signal.SIGKILL)
    script.signal(signal.SIGKILL)
    await script.process.wait()

    def is_orphan() -> bool:
        (left,) = status(log)
        return isinstance(left, ActiveFault) and not left.injector_alive and not left.reverter_alive

    await until(is_orphan)
    assert len(await proxy.toxics("inventory")) == 1
    (recovered,) = await recover(log)
    assert recovered.outcome is Outcome.HEALED
    assert await proxy.toxics("inventory") == []
    assert log.all() == []


async def test_a_lost_reverter_has_a_successor(proxy, service, injector, latency, log, told, reverters, until):
    await proxy.create("inventory", service)
    async with injector("inventory") as it:
        active = await it.inject(latency(delay="300ms"))
        (first,) = reverters()
        os.kill(first, signal.SIGKILL)
        await until(lambda: "rearmed" in dict(told))
        (second,) = reverters()
        assert second != first
        record = log.read(log.path(active.id))
        assert isinstance(record, Record)
        assert record.reverter.pid == second
    assert await proxy.toxics("inventory") == []
    await until(lambda: reverters() == [])


async def test_a_reverter_that_is_asked_to_end_takes_its_faults_with_it(
    proxy, service, injector, latency, log, told, reverters, until
):
    await proxy.create("inventory", service)
    async with injector("inventory") as it:
        await it.inject(latency(delay="300ms"))
        (pid,) = reverters()
        os.kill(pid, signal.SIGTERM)
        await until(lambda: "healed" in dict(told))
        assert await proxy.toxics("inventory") == []
        assert log.all() == []
    assert [kind for kind, _ in told].count("healed") == 1
