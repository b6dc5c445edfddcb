"""Tests of the settings: a service that is told nonsense says what it needs."""

import os
import signal
import subprocess
import sys

import pytest

from gamedays import embedded
from storefront.settings import BUGS

from .conftest import ROOT, Storefront


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("live", "LIVE_PORT", None),
        ("live", "LIVE_FLUSH", "-1"),
        ("shop", "INVENTORY_URL", "inventory"),
        ("inventory", "INVENTORY_PORT", "99999"),
        ("bus", "STOREFRONT_BUS_IN", "tcp://nowhere"),
        ("stream", "STREAM_MAIN_URL", "127.0.0.1"),
        ("shop", "STOREFRONT_BUG", "nonsense"),
    ],
)
def test_a_wrong_variable_is_named_in_one_sentence(
    storefront: Storefront, name: str, variable: str, value: str | None
) -> None:
    environment = {**storefront.environment("live-1"), variable: value or ""}
    if value is None:
        del environment[variable]
    command = [sys.executable, "-m", f"storefront.{name}"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(variable)
    assert os.environ.get(variable) is None


async def test_every_service_ends_cleanly(storefront: Storefront) -> None:
    names = ("bus", "inventory", "shop", "live-1", "origin-main", "stream", "events")
    storefront.start(*names)
    await storefront.ready(*names[1:])
    for name in names:
        storefront.signal(name, signal.SIGTERM)
    assert {name: storefront.processes[name].wait(2) for name in names} == dict.fromkeys(names, 0)
    for name in names:
        log = (storefront.directory / f"{name}.log").read_text()
        assert log.count(" ready ") == 1
        assert "Traceback" not in log


def test_an_unknown_bug_is_refused_and_the_toolkit_knows_them_all(storefront: Storefront) -> None:
    command = [sys.executable, "-m", "storefront.events", "--bug", "nonsense"]
    environment = storefront.environment("events")
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert all(bug in ended.stderr for bug in BUGS)
    assert embedded.BUGS == BUGS
