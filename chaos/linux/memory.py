"""Memory: how much of it can still be had, by the machine and by each memory cgroup that we are in."""

from __future__ import annotations

from pathlib import Path

from chaos.linux.cgroups import Group, group_of

_UNLIMITED = 2**60
"""Bytes from which on a limit is none; cgroup v1 writes the largest number of pages."""


def available() -> int:
    """Bytes that could be taken now without swapping, reclaimable caches included."""
    group = group_of("self", "memory")
    lines = [group, *group.above()] if group is not None else []
    return min([_of_the_machine(), *(left for one in lines if (left := _within(one)) is not None)])


def _of_the_machine() -> int:
    """MemAvailable of proc(5), which is the kernel's own estimate."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no MemAvailable")


def _within(group: Group) -> int | None:
    """Bytes below a group's limit, its inactive file pages not counted (as kubelet's working set); None without one."""
    limit, used = ("memory.max", "memory.current") if group.version == 2 else _V1
    try:
        most = group.read(limit).strip()
        if most == "max" or int(most) >= _UNLIMITED:
            return None
        return int(most) - int(group.read(used)) + _inactive(group)
    except (OSError, ValueError):
        return None  # the root of v2 has no such files, and a group may vanish


_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")


def _inactive(group: Group) -> int:
    name = "inactive_file" if group.version == 2 else "total_inactive_file"
    figures = dict(line.split() for line in group.read("memory.stat").splitlines())
    return int(figures.get(name, 0))
