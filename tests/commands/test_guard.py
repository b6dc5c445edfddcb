"""What may not be touched is refused by every command alike, before anybody is asked anything."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

TARGET = """\
apiVersion: flashcrowd/v1
kind: Target
metadata: {{name: staging}}
spec:
  environment: {environment}
  allow_hosts: [{host}]
  max_viewers: 3
  live:
    url: "ws://127.0.0.1:{port}/rooms"
    say: '{{"text": "${{text}}"}}'
    events: {{sale.opened: {{type: sale}}}}
  shop: {{url: "http://127.0.0.1:{port}", order: {{request: {{path: /orders}}}}, ledger: {{get: /ledger}}}}
  prometheus: {{url: "http://127.0.0.1:{port}"}}
  components:
    shop: {{admin: "http://127.0.0.1:{port}/admin"}}
    inventory: {{link: {{toxiproxy: "http://127.0.0.1:{port}", proxy: inventory}}}}
"""
PLAN = """\
apiVersion: flashcrowd/v1
kind: GameDay
metadata: {name: friday}
spec:
  target: target.yaml
  slos: [storefront]
  load: {scenario: live-commerce, viewers: 2, over: 1s, hold: 1h}
"""
LOAD = ("load", "run", "live-commerce", "--target", "target.yaml", "--duration", "5s", "--viewers")
FAULT = ("chaos", "inject", "network.latency", "--on", "inventory", "--for", "5s", "--set", "delay=1s")
COMMANDS = {
    "load": (*LOAD, "2"),
    "fault": (*FAULT, "--target", "target.yaml"),
    "mitigation": ("runbook", "run", "order-latency", "--target", "target.yaml", "--execute", "--yes"),
    "game day": ("gameday", "run", "plan.yaml"),
    "doctor": ("doctor", "target.yaml"),
}


@pytest.fixture
def callers() -> Iterator[tuple[int, list[object]]]:
    """A port that takes connections, and who has come."""
    came = list[object]()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                try:
                    came.append(server.accept())
                except TimeoutError:
                    continue

        waiting = threading.Thread(target=accept)
        waiting.start()
        yield server.getsockname()[1], came
        over.set()
        waiting.join()


def refused(flashcrowd, words: tuple[str, ...], message: str, came: list[object]) -> None:
    ended = flashcrowd(*words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert came == []
    assert not Path("runs").exists() or not list(Path("runs").rglob("manifest.json"))


@pytest.mark.parametrize("command", COMMANDS)
def test_production_is_refused_without_its_name(flashcrowd, tmp_path, callers, command):
    port, came = callers
    (tmp_path / "target.yaml").write_text(TARGET.format(environment="production", host="127.0.0.1", port=port))
    (tmp_path / "plan.yaml").write_text(PLAN)
    refused(flashcrowd, COMMANDS[command], "staging is production; to go on, add --allow-production staging", came)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_host_that_is_not_listed_is_refused(flashcrowd, tmp_path, callers, command):
    port, came = callers
    (tmp_path / "target.yaml").write_text(TARGET.format(environment="test", host="shop.example", port=port))
    (tmp_path / "plan.yaml").write_text(PLAN)
    refused(flashcrowd, COMMANDS[command], "127.0.0.1 is not in allow_hosts of staging", came)


def test_too_many_viewers_are_refused(flashcrowd, tmp_path, callers):
    port, came = callers
    (tmp_path / "target.yaml").write_text(TARGET.format(environment="test", host="127.0.0.1", port=port))
    for words in ((*LOAD, "4"), ("doctor", "target.yaml", "--viewers", "4")):
        refused(flashcrowd, words, "4 viewers are more than the max_viewers of staging (3)", came)
