"""Blast radius: which processes a fault may touch. Whatever a rule forbids is refused before anything is touched.

in-the-target     only processes whose ids stand in the component's pidfiles, and what these have started
trusted-pidfile   no pidfile is believed that is a link, or that somebody may write who may not signal the process
not-pid-1         the process that all others hang on is never touched
not-the-kernel    nor is a thread of the kernel's
not-ours          nor this process, one that it descends from, or another of flashcrowd's own: its commands, reverters,
                  the proxy, the load, and the Prometheus that they have started. The embedded storefront is a target.
not-reused        a process that started after its pidfile was written is another one
by-command        and so is one whose command line lacks the component's `command`
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from chaos.linux import pidfiles
from chaos.linux.pidfiles import Pidfile
from chaos.linux.proc import ProcessId, ancestors, command_line, environment, parent
from flashcrowd.errors import GuardError, NeedError
from flashcrowd.units import utc

STARTED = "FLASHCROWD_STARTED"
"""The environment variable of what a fault's healing has started: the pidfile of what it is."""

SLACK = 2.0
"""Seconds that a process may seem to have started after its pidfile was written: clocks are set now and then."""

_PACKAGES = rb"chaos|gamedays|loadtests"
_COMMANDS = rb"chaos|demo|doctor|gameday|init|load|runbook|slo|up"
_OURS = re.compile(
    rb"\0-m\0(?:" + _PACKAGES + rb")\."
    rb"|\0-m\0cli\0(?:" + _COMMANDS + rb")\0"
    rb"|(?:^|[/\0])flashcrowd\0(?:" + _COMMANDS + rb")\0"
)
_STOREFRONT = re.compile(rb"\0-m\0storefront\.")


def find(pattern: Path, place: str) -> list[tuple[Pidfile, ProcessId]]:
    """The processes that the pidfiles name and that run now, by the names of the pidfiles.

    Raises:
        NeedError: there is none. GuardError: a pidfile is none that can be believed.
    """
    files = sorted(pattern.parent.glob(pattern.name))
    if not files:
        raise NeedError(f"{place}.pidfile: there is no {pattern}; start what writes it, or mend the path")
    read = [_read(file, place) for file in files]
    found = [(file, one) for file in read if (one := ProcessId.of(file.pid)).alive]
    if not found:
        raise NeedError(f"{place}: no process runs with the id in {', '.join(map(str, files))}; start it")
    return found


def check(file: Pidfile, process: ProcessId, command: str | None, place: str) -> None:
    """Raise GuardError when a process may not be touched; says which rule forbids it."""
    if (rule := _forbidden(file, process, command)) is not None:
        raise GuardError(f"{place}: process {process} ({file.path}) may not be touched: {rule}")


def check_started(process: ProcessId, root: ProcessId, place: str) -> None:
    """The same for what a process has started."""
    if (rule := _untouchable(process)) is not None:
        raise GuardError(f"{place}: process {process}, which {root} has started, may not be touched: {rule}")


def runs(path: Path, command: str | None) -> ProcessId | None:
    """The process that a pidfile names, if it runs and is the one that is meant."""
    try:
        file = pidfiles.read(path)
        process = ProcessId.of(file.pid)
        return process if process.alive and _forbidden(file, process, command) is None else None
    except (OSError, ValueError):
        return None


def is_ours(pid: int) -> bool:
    """Whether a process is one of flashcrowd's own."""
    line = command_line(pid)
    if _STOREFRONT.search(line):
        return False
    if pid in (us := os.getpid(), *ancestors(us)) or _OURS.search(line):
        return True
    above = command_line(parent(pid) or 0)
    return _OURS.search(above) is not None and not any(
        value.startswith(STARTED.encode() + b"=") for value in environment(pid)
    )


def _forbidden(file: Pidfile, process: ProcessId, command: str | None) -> str | None:
    """The rule that forbids it, why, and the remedy."""
    if (rule := _untouchable(process)) is not None:
        return f"{rule}; mend {file.path}"
    if (why := file.distrust(process.user)) is not None:
        return f"rule trusted-pidfile: {why}"
    began = process.began
    if began is not None and began > file.written + SLACK:
        return (
            f"rule not-reused: it started at {utc(began)}, after its pidfile was written ({utc(file.written)}), and "
            "the number may be another's by now; start the service anew, or write the pidfile again"
        )
    if command is not None and command.encode() not in command_line(process.pid).replace(b"\0", b" "):
        return f"rule by-command: its command line has no '{command}'; mend {file.path}, or command in the target file"
    return None


def _untouchable(process: ProcessId) -> str | None:
    if process.pid == 1:
        return "rule not-pid-1: all others hang on it"
    if process.is_kernel_thread:
        return "rule not-the-kernel: it is a thread of the kernel's"
    if is_ours(process.pid):
        return "rule not-ours: it is one of flashcrowd's own, or one that this process descends from"
    return None


def _read(path: Path, place: str) -> Pidfile:
    try:
        return pidfiles.read(path)
    except ValueError as error:
        raise NeedError(f"{place}.pidfile: {error}") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise GuardError(
                f"{place}.pidfile: {path} may not be followed: rule trusted-pidfile: it is a link, and whoever may "
                f"change it chooses the process; name {path.resolve()} instead"
            ) from None
        raise NeedError(f"{place}.pidfile: {path} can't be read: {error.strerror}") from None
