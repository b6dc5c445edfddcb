"""Clocks: an HTTP service under libfaketime, whose answers have a Date header."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.process import Supervisor, accepts, free_port
from stands import Stand
from stands.links import HOST, SERVICE

LIBRARIES = sorted(Path("/usr/lib").glob("**/libfaketime.so.1"))


@asynccontextmanager
async def stand(folder: Path, supervisor: Supervisor) -> AsyncIterator[Stand]:
    """The service, whose clock is right to begin with."""
    if not LIBRARIES:
        pytest.skip("libfaketime not found; install it with 'apt install faketime'")
    file, port = folder / "faketime", free_port()
    file.write_text("+0\n")
    env = {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}
    service = supervisor.spawn(f"service-{port}", [sys.executable, "-c", SERVICE, str(port)], env)
    (folder / "service.pid").write_text(str(service.pid))
    await service.ready(lambda: accepts(HOST, port))

    async def present() -> bool:
        return file.read_text() != "+0\n"

    component = {
        "clock": {"faketime": str(file)},
        "process": {"pidfile": str(folder / "service.pid")},
        "probe": f"http://{HOST}:{port}/",
    }
    yield Stand(component, {"by": "-1h"}, present)


STANDS: dict[str, Callable[[Path, Supervisor], Any]] = {"clock.skew": stand}
