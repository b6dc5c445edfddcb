"""Machine: what this computer can hold, and which tools it has."""

from __future__ import annotations

import math
import os
import select
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from flashcrowd.target import Target
from gamedays.doctor.row import Part, Row
from loadtests.split import cores, is_loopback, loopback_sources, open_files, ports, too_many, workers_for
from monitors import alertmanager_server

VIEWER_KIB = 9.3
"""Memory of a viewer: 5.5 KiB in our processes and half of the kernel's 7.5 KiB for both ends (docs/benchmarks.md)."""

TLS_KIB = 44.4
"""The same with TLS, which costs 35 KiB more (docs/benchmarks.md)."""

FEW_FILES = 4_096
"""Open files below which a process holds so few viewers that most of it is a master's and workers' own cost."""

TOOLS = ("prometheus", "promtool", "alertmanager", "nft", "redis-server")
"""Prometheus judges the SLOs of a game day, Alertmanager pages, promtool checks rules; others break things."""

_STAMPING = 35
"""SO_TIMESTAMPNS of asm-generic/socket.h."""


def look(target: Target | None, viewers: int | None) -> Part:
    """This machine. viewers: that are planned; without it, how many it could hold."""
    return Part("this machine", [*_size(), *_crowd(target, viewers), *_kernel(), _tools()])


def _size() -> Iterator[Row]:
    files = open_files()
    remedy = "ulimit -n 64000 before the load: a process can't hold more viewers than files"
    says = f"{cores()} cores · {_memory() / 2**30:.0f} GiB · {files:,} files a process"
    yield Row("", says, remedy if files < FEW_FILES else None)


def _crowd(target: Target | None, viewers: int | None) -> Iterator[Row]:
    live = target.spec.live if target is not None else None
    kib = TLS_KIB if live is not None and live.url.startswith("wss") else VIEWER_KIB
    free = _available()
    if viewers is None:
        room = _rounded(free / 1024 / kib)
        yield Row("", f"memory for {room:,} viewers, {kib:g} KiB each; other limits by --viewers N")
        return
    workers = workers_for(viewers, cores(), open_files())
    needed = viewers * kib * 1024
    says = f"{viewers:,} viewers: {workers} {'worker' if workers == 1 else 'workers'}, {needed / 2**20:,.0f} MiB"
    short = needed > free
    remedy = f"there are {free / 2**20:,.0f} MiB free: share the crowd out over more machines (load worker)"
    yield Row("", says, remedy if short else None)
    yield from _ports(target, viewers, workers)


def _ports(target: Target | None, viewers: int, workers: int) -> Iterator[Row]:
    """From which addresses the viewers come, and whether there are enough of them."""
    live = target.spec.live if target is not None else None
    host = urlsplit(live.url).hostname if live is not None else None
    if host is None or target is None:
        yield Row("", f"{ports():,} ports for each source address")
        return
    if sys.platform == "linux" and is_loopback(host):
        first = loopback_sources(0, math.ceil(viewers / workers), ports())[0]
        last = loopback_sources(workers - 1, math.ceil(viewers / workers), ports())[-1]
        yield Row("", f"{ports():,} ports an address: uses {first} to {last}")
        return
    sources = [str(one) for one in target.spec.connect_from]
    used = ", ".join(sources) or "the one that the system chooses"
    yield Row("", f"{ports():,} ports an address: uses {used}", too_many(viewers, sources, ports()))


def _kernel() -> Iterator[Row]:
    epoll, stamps = hasattr(select, "epoll"), _stamps()
    says = [f"epoll {_yes(epoll)}", f"the kernel's time of arrival {_yes(stamps)}"]
    slower = "" if epoll else "; the crowd works, but a watcher for each connection is slower"
    late = "" if stamps else "; latencies end when we read, not when the answer arrived"
    yield Row("", " · ".join(says) + slower + late)


def _tools() -> Row:
    found = {name: _found(name) for name in TOOLS} | {"alertmanager": alertmanager_server.locate() is not None}
    there = " · ".join(f"{name} {_yes(found[name])}" for name in TOOLS)
    remedy = "prometheus isn't on PATH: apt install prometheus, or brew install prometheus"
    return Row("", there, None if found["prometheus"] else remedy)


def _found(name: str) -> bool:
    return shutil.which(name) is not None or shutil.which(name, path="/usr/sbin:/sbin") is not None


def _stamps() -> bool:
    if sys.platform != "linux":
        return False
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, _STAMPING, 1)
        except OSError:
            return False
    return True


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _available() -> int:
    """Bytes that can be had without swapping (MemAvailable of proc(5)); elsewhere half of all."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return _memory() // 2
    rows: Mapping[str, str] = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(rows["MemAvailable"].split()[0]) * 1024


def _rounded(number: float) -> int:
    """Two figures: it is an estimate."""
    size = 10 ** max(0, len(str(int(number))) - 2)
    return int(number // size * size)


def _yes(there: bool) -> str:
    return "yes" if there else "no"
