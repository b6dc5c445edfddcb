"""Quota plan: in which groups a component's processes are, and what a group of ours below each would be.

Nothing is made here, and what can't be is told.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from chaos.linux.cgroups import Group, group_of
from chaos.linux.quota import How, Quota
from flashcrowd.errors import NeedError

PERIOD = 100_000
"""Microseconds of a CPU quota's period (the kernel's default), and more where the quota would be below LEAST."""

LEAST = 1000
"""Microseconds that a quota must have."""


def groups(pids: list[int], controller: str, place: str) -> list[Group]:
    """The groups that processes are in, where groups of ours can be made. Raises NeedError when they can't."""
    found = dict.fromkeys(group for pid in pids for group in _groups_of(pid, controller))
    for group in found:
        if group is None:
            raise NeedError(f"{place}: no cgroups with the controller '{controller}' can be reached from here")
        if any(part.startswith("flashcrowd-") for part in group.folder.parts):
            raise NeedError(f"{place}: another resource.cgroup is on it ({group.folder}); heal that one first")
        if not is_writable(group):
            raise NeedError(
                f"{place}: {group.folder} can't be written to; run flashcrowd as root, or have it delegated"
            )
    return [group for group in found if group is not None]


def _groups_of(pid: int, controller: str) -> set[Group | None]:
    """The group of a process; nothing if it is gone. Raises NeedError when its threads are in several."""
    try:
        found = {group_of(f"{pid}/task/{thread.name}", controller) for thread in Path(f"/proc/{pid}/task").iterdir()}
    except OSError:
        return set()
    if len(found) > 1:
        raise NeedError(f"process {pid} has threads in several groups of '{controller}', which would be mixed up")
    return found


def is_writable(group: Group) -> bool:
    return all(os.access(path, os.W_OK) for path in (group.folder, group.folder / "cgroup.procs"))


def plan(name: str, above: Group, limits: dict[str, float], theirs: Sequence[int]) -> Quota:
    """A group of this name for processes that are in the group above; nothing is made yet.

    limits: a controller each; `cpu` in CPUs, `memory` in bytes, `pids` in threads. theirs: the processes.

    Raises:
        ValueError: it can't be done there, and why.
    """
    if above.version == 1:
        how, off = "below", list[str]()
    else:
        how, off = _how(above, limits, theirs), _switched_off(above, limits)
    return Quota(
        folder=above.folder / name,
        version=above.version,
        how=how,
        controllers=list(limits),
        limits={file: value for one, limit in limits.items() for file, value in _files(one, limit, above.version)},
        switched_on=off,
    )


def _how(above: Group, limits: dict[str, float], theirs: Sequence[int]) -> How:
    if above.is_root:
        return "below"
    if "memory" not in limits:
        return "threaded"
    if above.read("cgroup.type").strip() != "domain":
        raise ValueError(f"memory can't be limited below {above.folder}, which is a group of threads; leave memory out")
    others = sorted({int(pid) for pid in above.read("cgroup.procs").split()} - set(theirs))
    if others:
        raise ValueError(
            f"memory can't be limited below {above.folder}, as processes of others are in it "
            f"({', '.join(map(str, others[:3]))}); give the component a group of its own, as systemd gives a service"
        )
    return "emptied"


def _switched_off(above: Group, limits: dict[str, float]) -> list[str]:
    """The controllers that have yet to be switched on for groups below. Raises ValueError when one can't be."""
    there, on = (set(above.read(f"cgroup.{name}").split()) for name in ("controllers", "subtree_control"))
    if lacking := [one for one in limits if one not in there]:
        raise ValueError(
            f"{above.folder} has no controller '{lacking[0]}'; switch it on in the groups above "
            f"(echo +{lacking[0]} > .../cgroup.subtree_control, or Delegate=yes of systemd)"
        )
    return [one for one in limits if one not in on]


def _files(controller: str, limit: float, version: int) -> list[tuple[str, str]]:
    """The files that set a limit, with what is written to them, in order."""
    whole = str(round(limit))
    if controller == "pids":
        return [("pids.max", whole)]
    if controller == "memory":
        return [("memory.max" if version == 2 else "memory.limit_in_bytes", whole)]
    period = max(PERIOD, round(LEAST / limit))
    quota = round(limit * period)
    if version == 2:
        return [("cpu.max", f"{quota} {period}")]
    return [("cpu.cfs_period_us", str(period)), ("cpu.cfs_quota_us", str(quota))]
