"""Namespaces of the network: which one of a target's a fault may touch, and how a program is run in it.

A refusal names its rule. There are three, besides those for processes where the namespace is that of a process:

not-our-network     never the namespace that we ourselves are in
not-pid-1s-network  nor that of process 1, the machine's own
one-network         the processes of a component are in one namespace; else name it
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from chaos.kinds.processes import find
from chaos.linux import programs
from flashcrowd.components import Component
from flashcrowd.documents import Model
from flashcrowd.errors import GuardError, NeedError

NAMED = Path("/run/netns")
"""Where `ip netns` keeps its namespaces."""

_MOUNT = re.compile(r"^\d+ \d+ \S+ net:\[(\d+)\] (\S+) .* - nsfs ", re.MULTILINE)
"""A namespace that is held by a mount, in /proc/self/mountinfo (proc(5)): its inode, and where it is mounted."""


class Namespace(Model):
    """One network namespace, by its inode, which is the kernel's name for it.

    path: where it was found. It has other doors once its process has died, as long as anything holds it.
    """

    inode: int
    path: Path

    def door(self) -> Path | None:
        """A file by which it can be entered; None when it is gone, as far as can be seen."""
        return next((path for path in self._doors() if _inode(path) == self.inode), None)

    @property
    def exists(self) -> bool:
        return self.door() is not None

    def __str__(self) -> str:
        return f"namespace {self.path.name if self.path.parent == NAMED else self.path}"

    async def run(self, program: str, *words: str, given: str = "") -> str:
        """Run a program in it; its stdout.

        Raises:
            GoneError: it is gone. NeedError: as `programs.run`, or the program isn't here.
        """
        if (door := self.door()) is None:
            raise GoneError(f"{self} is gone")
        return await programs.run([*entering(door), programs.found(program), *words], given)

    def by_hand(self, *commands: Sequence[str]) -> str:
        """The shell command that runs programs in it, one after the other."""
        enter = shlex.join(entering(self.door() or self.path))
        return "; ".join(f"{enter} {shlex.join([programs.path_of(one) or one, *words])}" for one, *words in commands)

    def _doors(self) -> Iterator[Path]:
        yield self.path
        with contextlib.suppress(OSError):
            mounts = _MOUNT.findall(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace"))
            yield from (Path(place) for inode, place in mounts if int(inode) == self.inode)
        yield from Path("/proc").glob("[0-9]*/ns/net")


class GoneError(NeedError):
    """A namespace is gone, and all that was in it."""


def entering(door: Path) -> list[str]:
    """The words before a program that is to run in the namespace behind a door.

    Who isn't root enters the user namespace of the same process as well, where he has a say.
    """
    words = [programs.path_of("nsenter") or "nsenter", f"--net={door}"]
    user = door.parent / "user"
    if os.geteuid() != 0 and _inode(user) not in (None, _inode(Path("/proc/self/ns/user"))):
        words += [f"--user={user}", "--preserve-credentials"]
    return words


def obstacle(on: str, component: Component) -> str | None:
    """Why no fault can be put into the component's namespace, with the remedy; None when one can."""
    network = component.network
    if network is None:
        return f"{on} has no network; give it one (namespace, ports) in the target file"
    if network.namespace is None and component.process is None:
        return f"{on} has neither network.namespace nor a process (pidfile) whose namespace is meant; give it one"
    if network.namespace is not None and os.geteuid() != 0:
        return f"only root can enter namespace {network.namespace} of {on}; run flashcrowd as root"
    return None


async def namespace_of(on: str, component: Component) -> Namespace:
    """The namespace of a component, which may be touched.

    Raises:
        NeedError: it isn't there, or can't be read. GuardError: it may not be touched; says which rule forbids it.
    """
    place = f"components.{on}.network"
    namespace = _named(component, place) or _of_processes(component, f"components.{on}.process")
    if namespace.inode == _inode(Path("/proc/self/ns/net")):
        raise GuardError(f"{place}: {namespace} may not be touched: not-our-network, flashcrowd itself is in it")
    if await _is_that_of_pid_1(namespace):
        raise GuardError(f"{place}: {namespace} may not be touched: not-pid-1s-network, it is the machine's own")
    return namespace


def _named(component: Component, place: str) -> Namespace | None:
    if component.network is None or (name := component.network.namespace) is None:
        return None
    path = NAMED / name
    if (inode := _inode(path)) is None:
        raise NeedError(f"{place}.namespace: no namespace '{name}' here; `ip netns list` tells those there are")
    return Namespace(inode=inode, path=path)


def _of_processes(component: Component, place: str) -> Namespace:
    assert component.process is not None
    found = find(component.process, place)
    paths = [Path(f"/proc/{one.id.pid}/ns/net") for one in found]
    inodes = {path: _inode(path) for path in paths}
    if len(set(inodes.values())) > 1:
        raise GuardError(
            f"{place}: its processes may not be touched: one-network, they are in several; name one (network.namespace)"
        )
    path, inode = next(iter(inodes.items()))
    if inode is None:
        raise NeedError(f"{place}: {path} can't be read; run flashcrowd as root, or as the user of that process")
    return Namespace(inode=inode, path=path)


async def _is_that_of_pid_1(namespace: Namespace) -> bool:
    """Whether process 1 is in it. Where its namespace may not be read, a file of its /proc/net tells, as that file has
    an inode of its own in each namespace.
    """
    if (inode := _inode(Path("/proc/1/ns/net"))) is not None:
        return inode == namespace.inode
    pid_1s = _inode(Path("/proc/1/net/dev"))
    return pid_1s is not None and (await namespace.run("stat", "-Lc%i", "/proc/self/net/dev")).strip() == str(pid_1s)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
