"""Cgroups: which group a process is in, version 1 or 2, and where that group lies in the file system.

Sources: cgroups(7), the kernel's admin-guide/cgroup-v1 and cgroup-v2. A controller belongs to one hierarchy: to one of
version 1 that is mounted with it, else to the one of version 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Mount:
    """A hierarchy as it is mounted here. root: the group that `point` shows, `/` outside of containers.

    controllers: those of version 1; version 2 has no list of its own, as each group has one.
    """

    point: Path
    root: PurePosixPath
    version: int
    controllers: frozenset[str]


@dataclass(frozen=True)
class Group:
    """One group, by its folder. top: the folder of the highest group that is seen from here."""

    folder: Path
    top: Path
    version: int

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="ascii")

    def above(self) -> list[Group]:
        """The groups that it is in, the nearest first."""
        if self.folder == self.top:
            return []
        folders = self.folder.parents
        return [Group(one, self.top, self.version) for one in folders if one == self.top or self.top in one.parents]

    @property
    def is_root(self) -> bool:
        """Whether it is the hierarchy's root itself, not just the highest that a container sees."""
        if self.folder != self.top:
            return False
        return self.version == 1 or not (self.folder / "cgroup.type").exists()


def group_of(pid: int | str, controller: str) -> Group | None:
    """The group of a process that this controller looks at; None where it can't be reached from here.

    Raises:
        OSError: there is no such process.
    """
    one = next((mount for mount in mounts() if controller in mount.controllers), None)
    if one is None:
        one = next((mount for mount in mounts() if mount.version == 2), None)
    if one is None:
        return None
    path = PurePosixPath(_path(pid, controller if one.version == 1 else ""))
    if ".." in path.parts or not path.is_relative_to(one.root):
        return None
    return Group(one.point / path.relative_to(one.root), one.point, one.version)


def _path(pid: int | str, controller: str) -> str:
    """The group's path in /proc/PID/cgroup: of the hierarchy with this controller, or of version 2 for none."""
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(",") and bool(controller) == bool(controllers):
            return path
    raise OSError(f"process {pid} is in no cgroup of {controller or 'version 2'}")


@cache
def mounts() -> tuple[Mount, ...]:
    """The hierarchies that are mounted here, from /proc/self/mountinfo."""
    try:
        text = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    except OSError:
        return ()
    return tuple(mount for line in text.splitlines() if (mount := _mount(line)) is not None)


def _mount(line: str) -> Mount | None:
    """The cgroup mount of one line of mountinfo (proc_pid_mountinfo(5)); None for any other."""
    before, _, after = line.partition(" - ")
    kind, _, options = after.split(" ", 2)
    if kind not in ("cgroup", "cgroup2"):
        return None
    root, point = before.split(" ")[3:5]
    version = 2 if kind == "cgroup2" else 1
    controllers = frozenset(options.split(",")) if version == 1 else frozenset[str]()
    return Mount(Path(_plain(point)), PurePosixPath(_plain(root)), version, controllers)


def _plain(text: str) -> str:
    """Without the octal escapes of mountinfo."""
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
