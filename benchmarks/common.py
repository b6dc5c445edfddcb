"""Common: how the benchmarks run their parts in processes of their own, and print what came of it.

A part is a function that runs in a child and gives figures: `figures = measure(__file__, "crowd", port)` runs the
function `crowd(port)` of the file that asks. Locust's parts run as in a scenario: a runner, users, Locust's statistics.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flashcrowd.process import free_port

HERE = Path(__file__).parent
ENV = {**os.environ, "PYTHONPATH": str(HERE.parent)}


def measure(file: str, part: str, *arguments: object, timeout: float = 180.0) -> dict[str, Any]:
    """Run a part of a benchmark in a fresh process; its figures."""
    command = [sys.executable, file, part, *map(str, arguments)]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode:
        sys.exit(f"{part} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main(benchmark: Callable[[], None], parts: Sequence[Callable[..., dict[str, Any]]]) -> None:
    """The whole benchmark, or, in a child, the part that the command line names."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    if len(sys.argv) == 1:
        benchmark()
        return
    part = next(part for part in parts if part.__name__ == sys.argv[1])
    figures = part(*map(json.loads, sys.argv[2:]))
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    os._exit(0)  # thousands of greenlets need not be unwound


@contextmanager
def server(*arguments: object) -> Iterator[int]:
    """One of servers.py while the benchmark runs; gives its port."""
    what, *rest = map(str, arguments)
    port = free_port()
    process = subprocess.Popen([sys.executable, str(HERE / "servers.py"), what, str(port), *rest], env=ENV)
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def certificate() -> Iterator[str]:
    """A key and a certificate for 127.0.0.1 in one file, which the children trust."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/both.pem"
        command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {file} -out {file}.crt"
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run([*command.split(), *names], check=True, capture_output=True)
        with Path(file).open("a") as both:
            both.write(Path(f"{file}.crt").read_text())
        ENV["SSL_CERT_FILE"] = f"{file}.crt"
        yield file


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a small table, its first column left-aligned."""
    texts = [head, *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    lines = ["  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
             for row in texts]  # fmt: skip
    sys.stdout.write("\n".join([title, *lines]) + "\n\n")


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return str(cell)


def rss() -> float:
    """Resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * float(resource.getpagesize())


def peak() -> float:
    """The most resident memory this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
