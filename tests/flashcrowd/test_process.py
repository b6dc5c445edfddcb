import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from flashcrowd.errors import InputError, NeedError
from flashcrowd.process import Supervisor, accepts, free_port, require_free


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


async def until(condition, timeout=20.0):
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.02)


async def test_children_end_in_reverse_order_also_those_that_ignore_sigterm(tmp_path):
    async with Supervisor(tmp_path) as supervisor:
        stubborn = supervisor.spawn(
            "stubborn",
            python(
                """
                import signal, time
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                print("ready", flush=True)
                time.sleep(600)
                """
            ),
        )
        await until(lambda: "ready" in stubborn.tail())
        assert await stubborn.stop(grace=0.2) == -signal.SIGKILL
        polite = supervisor.spawn("polite", ["sleep", "600"])
    assert polite.returncode == -signal.SIGTERM


async def test_a_child_that_dies_while_starting_shows_its_last_words(tmp_path):
    async with Supervisor(tmp_path) as supervisor:
        child = supervisor.spawn("shop", python("raise SystemExit('port 80 is taken')"))
        with pytest.raises(NeedError, match=r"(?s)shop ended with 1 while starting.*port 80 is taken"):
            await child.ready(lambda: accepts("127.0.0.1", 1))


async def test_a_child_that_never_gets_ready_is_given_up(tmp_path):
    async with Supervisor(tmp_path) as supervisor:
        child = supervisor.spawn("shop", ["sleep", "600"])
        with pytest.raises(NeedError, match=r"was not ready within 0\.2 s"):
            await child.ready(lambda: accepts("127.0.0.1", 1), timeout=0.2)


async def test_a_program_that_is_not_there_is_named(tmp_path):
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(NeedError, match=r"promethoos can't be started \(promethoos\): No such file"):
            supervisor.spawn("promethoos", ["promethoos"])


async def test_children_die_with_a_parent_that_is_killed(tmp_path):
    parent = await asyncio.create_subprocess_exec(
        *python(
            f"""
            import time
            from pathlib import Path
            from flashcrowd.process import Supervisor
            child = Supervisor(Path({str(tmp_path)!r})).spawn("child", ["sleep", "600"])
            print(child.pid, flush=True)
            time.sleep(600)
            """
        ),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    await parent.wait()
    await until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_free_port_comes_from_the_range_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("FLASHCROWD_PORTS", "31000-31003")
    assert 31_000 <= free_port() <= 31_003
    monkeypatch.setenv("FLASHCROWD_PORTS", "many")
    with pytest.raises(InputError, match="'many' is no range of ports; write it like 20000-20999"):
        free_port()


def test_a_free_port_is_free_and_given_once():
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50


def test_a_free_port_is_held_against_others_until_its_server_comes(monkeypatch):
    port = free_port()
    monkeypatch.setenv("FLASHCROWD_PORTS", f"{port}-{port}")
    asks = "from flashcrowd.process import free_port; print(free_port())"
    other = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=False)
    assert f"no free port on 127.0.0.1 from {port} to {port}" in other.stderr
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
        pass


def test_a_port_that_is_taken_is_told_with_the_remedy():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(NeedError, match=rf"the load's metrics can't listen on 127\.0\.0\.1:{port} .*; wait for"):
            require_free("127.0.0.1", port, "the load's metrics")
    require_free("127.0.0.1", port, "the load's metrics")
