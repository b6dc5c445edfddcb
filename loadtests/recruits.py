"""Recruits: workers on another machine than the load's master, started by `flashcrowd load worker`.

They ask the master for everything: Locust sends them the scenario's file, and the configuration follows (without the
values of `${env.NAME}`, which are taken from the environment of each machine). Their history goes back the same way.
Locust's protocol knows no passwords: whoever reaches the master's port can read the configuration.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from flashcrowd.errors import InputError, NeedError
from flashcrowd.process import Supervisor
from loadtests.config import CONNECT_FROM, FOLDER, WORKER
from loadtests.crowd.sources import missing
from loadtests.runner import address, scenario_file

FROM_MASTER = "-"
"""What Locust calls a scenario that the master sends."""


async def work(
    supervisor: Supervisor, master: str, workers: int = 1, scenario: str | None = None, connect_from: Sequence[str] = ()
) -> None:
    """Hold a share of a load in so many processes, until its master has ended it.

    scenario: a file or name of one that is here; the master sends its own, if none is given. connect_from: source
    addresses, this machine's own.

    Raises:
        InputError: an option is wrong; nothing was started.
        NeedError: a worker broke; shows the end of its log.
    """
    host, port = address(master, "--master")
    if (wrong := missing(connect_from)) is not None:
        raise InputError(f"--connect-from: {wrong} is no address of this machine; list its own, or none")
    file = str(scenario_file(scenario)) if scenario is not None else FROM_MASTER
    command = [sys.executable, "-m", "loadtests.locustfile", "-f", file, "--headless", "--loglevel", "WARNING"]
    command += ["--exit-code-on-error", "0", "--worker", "--master-host", host, "--master-port", str(port)]
    with tempfile.TemporaryDirectory(prefix="flashcrowd-") as folder:
        children = []
        for number in range(workers):
            own = Path(folder) / str(number)
            own.mkdir()
            name = f"load-worker-{number}"
            env = {WORKER: f"{name}@{socket.gethostname()}", FOLDER: str(own), CONNECT_FROM: ",".join(connect_from)}
            children.append(supervisor.spawn(name, command, env))
        codes = await asyncio.gather(*(child.wait() for child in children))
        for child, code in zip(children, codes, strict=True):
            if code:
                raise NeedError(f"{child.name} ended with {code}; {child.log} ends with:\n{child.tail()}")
