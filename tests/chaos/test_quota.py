"""Groups of ours below those of a component, on the cgroups of version 2 that this machine has; version 1 is tried by
the kind itself."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from chaos.linux.cgroups import Group, Mount, mounts
from chaos.linux.quota import Quota
from chaos.linux.quota_plan import groups, plan
from flashcrowd.errors import NeedError

CONTROLLERS = {"pids": {"pids.max": "100"}, "hugetlb": {"hugetlb.2MB.max": "0"}}
"""Those that do nobody harm, with a limit each."""


@pytest.fixture
def root() -> Path:
    """The root of version 2, where groups can be made."""
    point = next((mount.point for mount in mounts() if mount.version == 2), None)
    if point is None or not os.access(point / "cgroup.procs", os.W_OK):
        pytest.skip("no cgroups of version 2 that can be written to; run the tests as root")
    return point


@pytest.fixture
def controller(root) -> Iterator[str]:
    """One of version 2, switched on below the root as long as the test; one test after the other, in all processes."""
    there = (root / "cgroup.controllers").read_text().split()
    name = next((name for name in CONTROLLERS if name in there), None)
    if name is None:
        pytest.skip("version 2 has no controller here that can be tried")
    with (switch := root / "cgroup.subtree_control").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        was_on = name in switch.read_text().split()
        switch.write_text(f"+{name}")
        yield name
        if not was_on:
            switch.write_text(f"-{name}")


@pytest.fixture
def process() -> Iterator[int]:
    """A process with two threads."""
    program = "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\nprint(1, flush=True)\n"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child.pid
        child.kill()


@pytest.fixture
def above(root, controller, process) -> Iterator[Group]:
    """A group that the process is in."""
    folder = root / f"test-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    (folder / "cgroup.procs").write_text(str(process))
    yield Group(folder, root, 2)
    for one in (*folder.glob("flashcrowd-*"), folder):
        with contextlib.suppress(FileNotFoundError):
            for pid in (one / "cgroup.procs").read_text().split():
                (root / "cgroup.procs").write_text(pid)
            one.rmdir()


def members(folder: Path, name: str = "cgroup.procs") -> list[int]:
    return [int(number) for number in (folder / name).read_text().split()]


async def test_all_of_a_group_goes_below_it_under_a_limit_and_comes_back(above, controller, process):
    quota = Quota(
        folder=above.folder / "flashcrowd-c0ffee123456",
        version=2,
        how="emptied",
        controllers=[controller],
        limits=CONTROLLERS[controller],
        switched_on=[controller],
    )
    quota.make(lambda: [process])
    (name, value), *_ = quota.limits.items()
    assert (quota.folder / name).read_text().strip() == value
    assert members(quota.folder) == [process]
    assert members(above.folder) == []
    await quota.remove()
    assert members(above.folder) == [process]
    assert (above.folder / "cgroup.subtree_control").read_text().strip() == ""
    assert not quota.folder.exists()
    await quota.remove()


@pytest.mark.parametrize("by_hand", [False, True])
async def test_threads_go_below_a_group_and_come_back(above, controller, process, by_hand):
    quota = Quota(
        folder=above.folder / "flashcrowd-c0ffee123456",
        version=2,
        how="threaded",
        controllers=[controller],
        limits={},
        switched_on=[],
    )
    quota.make(lambda: [process])
    assert len(members(quota.folder, "cgroup.threads")) == 2
    if by_hand:
        subprocess.run(quota.by_hand(), shell=True, check=True)  # noqa: ASYNC221 (a moment, and nothing else runs)
    await quota.remove()
    assert len(members(above.folder, "cgroup.threads")) == 2
    assert not quota.folder.exists()


async def test_what_was_made_by_half_is_undone(above, controller, process):
    quota = Quota(
        folder=above.folder / "flashcrowd-c0ffee123456",
        version=2,
        how="emptied",
        controllers=[controller],
        limits={"no.such.file": "1"},
        switched_on=[controller],
    )
    with pytest.raises(OSError, match=r"no\.such\.file doesn't take '1'"):
        quota.make(lambda: [process])
    await quota.remove()
    assert members(above.folder) == [process]
    assert not quota.folder.exists()


def group(folder: Path, kind: str = "domain", procs: str = "", on: str = "", top: Path | None = None) -> Group:
    """One of version 2 as its files show it; a root has no type."""
    files = {
        "cgroup.type": kind,
        "cgroup.procs": procs,
        "cgroup.controllers": "cpu memory pids",
        "cgroup.subtree_control": on,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return Group(folder, top or folder.parent, 2)


def test_limits_are_written_as_version_2_has_them(tmp_path):
    quota = plan("flashcrowd-x", group(tmp_path, on="pids"), {"cpu": 0.05, "pids": 7}, [1])
    assert quota.how == "threaded"
    assert quota.limits == {"cpu.max": "5000 100000", "pids.max": "7"}
    assert quota.switched_on == ["cpu"]
    assert plan("flashcrowd-x", group(tmp_path, procs="1\n2\n"), {"memory": 2**20}, [2, 1]).how == "emptied"


def test_a_tiny_quota_gets_a_longer_period_as_the_kernel_wants_a_millisecond(tmp_path):
    quota = plan("flashcrowd-x", Group(tmp_path, tmp_path, 1), {"cpu": 0.005}, [1])
    assert quota.limits == {"cpu.cfs_period_us": "200000", "cpu.cfs_quota_us": "1000"}


@pytest.mark.parametrize(
    ("more", "limit", "reason"),
    [
        ({"procs": "1\n2\n"}, "memory", r"processes of others are in it \(2\); give the component a group of its own"),
        ({"kind": "threaded"}, "memory", r"is a group of threads; leave memory out"),
        ({}, "io", r"has no controller 'io'; switch it on in the groups above"),
    ],
)
def test_what_version_2_does_not_allow_is_told_beforehand(tmp_path, more, limit, reason):
    with pytest.raises(ValueError, match=reason):
        plan("flashcrowd-x", group(tmp_path, **more), {limit: 1}, [1])


def test_a_group_that_cannot_be_seen_from_here_is_told(monkeypatch):
    elsewhere = Mount(Path("/sys/fs/cgroup"), PurePosixPath("/no/such/container"), 1, frozenset({"cpu"}))
    monkeypatch.setattr("chaos.linux.cgroups.mounts", lambda: (elsewhere,))
    reason = r"a-place: no cgroups with the controller 'cpu' can be reached from here"
    with pytest.raises(NeedError, match=reason):
        groups([os.getpid()], "cpu", "a-place")
