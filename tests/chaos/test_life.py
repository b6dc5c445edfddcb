"""The edges of a fault's life: what an earlier run left, an undo log that can't be trusted, and ends that overlap."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chaos.injector
from chaos.fault import Probe
from chaos.faults.network_latency import LatencyInjection
from chaos.recovery import status
from chaos.undolog import Record, UndoLog
from flashcrowd.errors import NeedError, UnhealedError


@contextlib.contextmanager
def dead_process() -> Iterator[int]:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    yield ended.pid


def orphaned(log: UndoLog, record: Record) -> Record:
    """The record as it is when injector and reverter were killed together."""
    with dead_process() as pid:
        gone = {"pid": pid, "started": 1}
        left = Record.model_validate(record.model_dump() | {"injector": gone, "reverter": gone})
    log.write(left)
    return left


async def test_what_an_earlier_run_left_is_healed_before_anything_new_is_broken(
    proxy, service, injector, latency, log, told
):
    await proxy.create("inventory", service)
    async with injector("inventory") as it:
        active = await it.inject(latency(delay="300ms"))
        orphan = active.record
        told.clear()
        orphaned(log, orphan)
        async with injector("inventory"):
            assert await proxy.toxics("inventory") == []
            assert [(kind, data["id"]) for kind, data in told] == [("recovered", orphan.id)]
            assert log.all() == []


async def test_what_was_left_and_cannot_be_healed_keeps_new_faults_out(injector, log, tmp_path, latency, monkeypatch):
    async def stuck(self: LatencyInjection) -> Probe:
        return Probe(False, "it is stuck")

    monkeypatch.setattr(LatencyInjection, "healed", stuck)
    monkeypatch.setattr("chaos.recovery.PATIENCE", 0.1)
    injection = {
        "toxiproxy": "http://127.0.0.1:1",
        "proxy": "inventory",
        "name": "flashcrowd-x",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
        "attributes": {"latency": 1, "jitter": 0},
        "ttl": 61.0,
        "question": None,
        "before": None,
    }
    fault = latency()
    log.make()
    record = Record.new("x", fault, LatencyInjection.model_validate(injection), _nobody(), None)
    orphaned(log, record)
    with pytest.raises(UnhealedError, match=r"left behind by an earlier run: .*it is stuck; heal it by hand: curl"):
        async with injector("inventory"):
            pytest.fail("entered")


async def test_a_damaged_undo_log_breaks_nothing(proxy, service, injector, log):
    await proxy.create("inventory", service)
    log.make()
    (log.folder / "f1.json").write_text("{")
    with pytest.raises(NeedError, match=r"f1\.json is damaged .*then remove the file"):
        async with injector("inventory"):
            pytest.fail("entered")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system without any room."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("a file system of its own needs root")
    try:
        with contextlib.suppress(OSError), (folder / "filler").open("wb") as filler:
            filler.write(b"x" * 2**20)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


async def test_a_full_disk_breaks_nothing(proxy, service, injector, full_disk):
    await proxy.create("inventory", service)
    with pytest.raises(NeedError, match=r"No space left on device.*without it nothing is broken"):
        async with injector("inventory", log=UndoLog(full_disk / "undo")):
            pytest.fail("entered")
    assert await proxy.toxics("inventory") == []


async def test_a_disk_that_fills_up_meanwhile_breaks_nothing(proxy, service, injector, latency, full_disk):
    await proxy.create("inventory", service)
    filler = full_disk / "filler"
    filler.unlink()
    async with injector("inventory", log=UndoLog(full_disk / "undo")) as it:
        with contextlib.suppress(OSError), filler.open("wb") as file:
            file.write(b"x" * 2**20)
        with pytest.raises(NeedError, match="No space left on device"):
            await it.inject(latency())
        assert await proxy.toxics("inventory") == []


class Hanging(LatencyInjection):
    """Injects without end."""

    async def inject(self) -> None:
        await super().inject()
        await asyncio.sleep(3600)


async def test_an_injection_that_hangs_is_given_up_at_once_when_it_is_cancelled(
    proxy, service, injector, latency, monkeypatch, until, log
):
    await proxy.create("inventory", service)
    monkeypatch.setattr("chaos.faults.network_latency.NetworkLatency.prepare", _as(Hanging))
    async with injector("inventory") as it:
        injecting = asyncio.create_task(it.inject(latency(delay="300ms")))

        async def is_injected() -> bool:
            return await proxy.toxics("inventory") != []

        await until(is_injected)
        injecting.cancel()
        await asyncio.wait([injecting], timeout=10)
        assert injecting.cancelled()
        assert await proxy.toxics("inventory") == []
        assert log.all() == []


class Stubborn(LatencyInjection):
    """Can't be healed."""

    async def heal(self) -> None:
        raise NeedError("the ladder is missing")


async def test_a_fault_that_cannot_be_healed_does_not_keep_the_others(
    proxy, service, injector, latency, log, monkeypatch, told
):
    monkeypatch.setattr(chaos.injector, "HEAL_PATIENCE", 0.3)
    for name in ("inventory", "cache"):
        await proxy.create(name, service)
    with pytest.raises(UnhealedError, match="the ladder is missing; heal it by hand: curl -X DELETE"):
        async with injector("inventory", "cache") as it:
            await it.inject(latency("inventory", delay="300ms"))
            with monkeypatch.context() as patch:
                patch.setattr("chaos.faults.network_latency.NetworkLatency.prepare", _as(Stubborn))
                await it.inject(latency("cache", delay="300ms"))
    assert await proxy.toxics("inventory") == []
    (left,) = status(log)
    assert left.on == "cache"
    assert [data["on"] for kind, data in told if kind == "healed"] == ["inventory"]


async def test_every_undo_log_of_this_machine_is_looked_at(proxy, service, injector, latency, monkeypatch, tmp_path):
    await proxy.create("inventory", service)
    elsewhere = UndoLog(tmp_path / "elsewhere")
    async with injector("inventory", log=elsewhere) as it:
        active = await it.inject(latency(delay="300ms"))
        assert elsewhere.folder not in [log.folder for log in UndoLog.everywhere()]
        monkeypatch.delenv("FLASHCROWD_STATE")
        found = [row for log in UndoLog.everywhere() if log.folder == elsewhere.folder for row in status(log)]
        assert [row.id for row in found] == [active.id]


def _nobody():
    from chaos.kinds.processes import ProcessId

    return ProcessId(pid=1, started=1)


def _as(how):
    """A kind's `prepare` that gives another sort of injection."""
    from chaos.faults.network_latency import NetworkLatency

    prepare = NetworkLatency.prepare

    async def spoilt(self, identity, component, guard):
        good = await prepare(self, identity, component, guard)
        return how.model_validate(good.model_dump())

    return spoilt
