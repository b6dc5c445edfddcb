"""Chaos Toolkit's experiments: played as one fault, healed by their rollbacks whatever happens, or refused by line."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.console import Console

from chaos.acting import toolkit
from chaos.chaostoolkit import EMPTY
from chaos.experiment import read_experiment
from chaos.experiment_run import run
from chaos.progress import Progress
from flashcrowd.errors import DocumentError, InputError, NeedError

FIXTURES = Path(__file__).parent / "chaostoolkit"
TARGET = """apiVersion: flashcrowd/v1
kind: Target
metadata: {name: here}
spec:
  environment: test
  allow_hosts: [127.0.0.1]
  max_viewers: 1
  components: {shop: {}}
"""
RUNNER = """
import asyncio, sys
from pathlib import Path
from chaos.experiment import read_experiment
from chaos.experiment_run import run
from chaos.progress import Progress

with Progress() as progress:
    asyncio.run(run(read_experiment(Path(sys.argv[1]), "shop", "60s"), Path(sys.argv[2]), None, progress))
"""


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch) -> AsyncIterator[list[tuple[str, bytes]]]:
    """A shop that is in maintenance while there is a file of that name; the heads and bodies that it was sent."""
    seen: list[tuple[str, bytes]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = [row.split(":")[1] for row in head.split("\r\n") if row.lower().startswith("content-length:")]
            seen.append((head, await reader.readexactly(int(length[0])) if length else b""))
            status = 503 if (tmp_path / "maintenance").exists() else 200
            writer.write(f"HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()

    (tmp_path / "target.yaml").write_text(TARGET)
    monkeypatch.setenv("SHOP_FOLDER", str(tmp_path))
    monkeypatch.setenv("SHOP_TOKEN", "a-token-of-the-shop")
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        monkeypatch.setenv("SHOP_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield seen


def maintenance(duration: str = "3s"):
    return read_experiment(FIXTURES / "maintenance.json", "shop", duration)


async def test_it_is_played_with_its_pauses_and_healed_by_its_rollbacks(shop, tmp_path, log, until):
    said = io.StringIO()
    assert await run(maintenance(), tmp_path / "target.yaml", None, Progress(Console(file=said, width=400)))
    assert "it bites" in said.getvalue()
    assert not (tmp_path / "maintenance").exists()
    (told,) = [row for row in shop if row[0].startswith("POST /told")]
    assert "Authorization: Bearer a-token-of-the-shop" in told[0]
    assert json.loads(told[1]) == {"where": str(tmp_path), "count": 1}


async def test_its_rollbacks_are_done_when_the_injector_is_killed(shop, tmp_path, log, until):
    words = ["-c", RUNNER, str(FIXTURES / "maintenance.json"), str(tmp_path / "target.yaml")]
    injector = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=subprocess.PIPE)
    assert injector.stderr is not None
    while b"it bites" not in (line := await injector.stderr.readline()):
        assert line, "it ended before it bit"
    (record,) = log.folder.glob("*.json")
    assert "a-token-of-the-shop" not in record.read_text()
    assert (tmp_path / "maintenance").exists()
    injector.kill()
    await injector.wait()
    await until(lambda: not (tmp_path / "maintenance").exists() and log.all() == [])


async def test_a_hypothesis_that_does_not_hold_before_ends_it(shop, tmp_path, log):
    (tmp_path / "maintenance").touch()
    with pytest.raises(NeedError, match="its effect is seen before it is injected"):
        await run(maintenance(), tmp_path / "target.yaml", None, Progress(Console(file=io.StringIO())))
    assert not [row for row in shop if row[0].startswith("POST")]


def test_whatever_cannot_be_honoured_is_refused_with_its_line():
    file = FIXTURES / "everything_refused.yaml"
    with pytest.raises(DocumentError) as caught:
        read_experiment(file, "shop", "60s")
    found = [(row.line, row.path) for row in caught.value.problems]
    probes = "steady-state-hypothesis.probes"
    assert found == [
        (1, "rollbacks"),
        (3, "controls"),
        (6, "runtime.rollbacks"),
        (8, "configuration.lagging"),
        (11, "secrets.shop.token"),
        (17, f"{probes}[0].tolerance"),
        (21, f"{probes}[1].tolerance"),
        (23, f"{probes}[2]"),
        (29, "method[0].background"),
        (33, "method[1].provider.type"),
        (36, "method[2].provider.verify_tls"),
        (39, "method[3].provider"),
        (42, "method[4].controls"),
        (46, "method[5].provider.path"),
        (47, "method[6].ref"),
        (51, "method[7].pauses.after"),
    ]
    assert str(caught.value.problems[0]).startswith(f"{file}:")


@pytest.mark.parametrize("method", ["", "method: []\n"])
def test_an_empty_experiment_is_not_an_experiment(tmp_path, method):
    file = tmp_path / "empty.yaml"
    file.write_text(f"title: nothing\n{method}")
    with pytest.raises(DocumentError, match=EMPTY):
        read_experiment(file, "shop", "60s")


def test_what_it_strikes_and_for_how_long_has_to_be_said(shop):
    with pytest.raises(InputError, match="say what it strikes, and for how long: --on C --for 60s"):
        read_experiment(FIXTURES / "maintenance.json")


def test_python_providers_are_refused_with_the_remedy_where_they_cannot_be_honoured(tmp_path):
    file = tmp_path / "python.yaml"
    provider = "{type: python, module: os.path, func: exists, arguments: {path: /}}"
    row = f"[{{name: a, type: probe, tolerance: true, provider: {provider}}}]"
    file.write_text(f"title: it\nsteady-state-hypothesis: {{probes: {row}}}\nmethod: {row}\nrollbacks: {row}\n")
    if (obstacle := toolkit.no_python()) is None:
        assert read_experiment(file, "shop", "60s").steps[0].fault.check(None) is None
        return
    with pytest.raises(DocumentError) as caught:
        read_experiment(file, "shop", "60s")
    assert [row.line for row in caught.value.problems] == [2, 3, 4]
    assert "flashcrowd[chaostoolkit]" in obstacle
    assert all(obstacle in str(row) for row in caught.value.problems)


@pytest.mark.skipif(toolkit.no_python() is not None, reason=str(toolkit.no_python()))
async def test_python_providers_are_run_by_their_own_library(shop, tmp_path, log):
    def python(module: str, func: str, **arguments: object) -> dict[str, object]:
        provider = {"type": "python", "module": module, "func": func, "arguments": {"path": "${folder}/x", **arguments}}
        return {"name": func, "type": "action", "provider": provider}

    there = python("os.path", "exists") | {"type": "probe", "tolerance": False}
    given = {
        "title": "a folder in the way",
        "configuration": {"folder": {"type": "env", "key": "SHOP_FOLDER"}},
        "steady-state-hypothesis": {"title": "nothing is in the way", "probes": [there]},
        "method": [python("os", "mkdir")],
        "rollbacks": [python("shutil", "rmtree", ignore_errors=True)],
    }
    file = tmp_path / "python.json"
    file.write_text(json.dumps(given))
    said = io.StringIO()
    experiment = read_experiment(file, "shop", "5s")
    assert await run(experiment, tmp_path / "target.yaml", None, Progress(Console(file=said, width=400)))
    assert not (tmp_path / "x").exists()
