"""Experiments: faults on a timeline, told by file and line when they are wrong, and all healed at any end."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from rich.console import Console

from chaos.experiment import read_experiment
from chaos.experiment_run import run
from chaos.progress import Progress
from flashcrowd.errors import DocumentError, InputError, NeedError

HEAD = "apiVersion: flashcrowd/v1\nkind: Experiment\nmetadata: {name: it}\nspec:\n  steps:\n"
TARGET = """apiVersion: flashcrowd/v1
kind: Target
metadata: {name: here}
spec:
  environment: test
  allow_hosts: [127.0.0.1]
  max_viewers: 1
  components: {it: {}}
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    file = tmp_path / "target.yaml"
    file.write_text(TARGET)
    return file


def step(folder: Path, name: str, at: str, lasts: str, inject: str | None = None) -> str:
    """A step that makes a file, and writes on its way what it does into `order`."""
    flag, order = folder / name, folder / "order"
    make = inject or f"touch {flag}; echo {name} made >>{order}"
    clean = f"test ! -e {flag} || echo {name} healed >>{order}; rm -f {flag}"
    words = f"inject: [sh, -c, '{make}'], probe: [test, -e, {flag}], heal: [sh, -c, '{clean}']"
    return f"    - {{at: {at}, fault: {{kind: command, on: it, for: {lasts}, {words}}}}}\n"


def written(folder: Path, *steps: str) -> Path:
    file = folder / "experiment.yaml"
    file.write_text(HEAD + "".join(steps))
    return file


def silent() -> Progress:
    return Progress(Console(file=io.StringIO()))


async def test_faults_overlap_and_each_ends_at_its_time(tmp_path, target, log):
    file = written(tmp_path, step(tmp_path, "long", "0s", "4s"), step(tmp_path, "short", "500ms", "1500ms"))
    said = io.StringIO()
    assert await run(read_experiment(file), target, None, Progress(Console(file=said)))
    order = (tmp_path / "order").read_text().splitlines()
    assert order == ["long made", "short made", "short healed", "long healed"]
    assert "command on it: it bites" in said.getvalue()
    assert log.all() == []


async def test_a_cancelled_experiment_heals_the_youngest_first(tmp_path, target, log, until):
    file = written(tmp_path, step(tmp_path, "old", "0s", "60s"), step(tmp_path, "young", "500ms", "60s"))
    said = io.StringIO()
    running = asyncio.ensure_future(run(read_experiment(file), target, None, Progress(Console(file=said))))
    await until(lambda: said.getvalue().count("it bites") == 2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (tmp_path / "order").read_text().splitlines()[-2:] == ["young healed", "old healed"]
    assert log.all() == []


async def test_a_fault_that_cannot_be_injected_ends_it_and_the_others_are_healed(tmp_path, target, log):
    broken = step(tmp_path, "broken", "1s", "60s", "echo no way; exit 3")
    file = written(tmp_path, step(tmp_path, "good", "0s", "60s"), broken)
    with pytest.raises(NeedError, match="ended with 3: no way"):
        await run(read_experiment(file), target, None, silent())
    assert (tmp_path / "order").read_text().splitlines() == ["good made", "good healed"]
    assert log.all() == []


async def test_a_fault_that_does_not_bite_is_said_in_the_end(tmp_path, target, log, monkeypatch):
    monkeypatch.setattr("chaos.faults.command.PATIENCE", 0.1)
    file = written(tmp_path, step(tmp_path, "nothing", "0s", "2s", "true"), step(tmp_path, "good", "0s", "2s"))
    assert not await run(read_experiment(file), target, None, silent())
    assert "good healed" in (tmp_path / "order").read_text()


async def test_what_cannot_work_on_the_target_is_told_before_anything_is_broken(tmp_path, target, log):
    wrong = ["    - {at: 1s, fault: {kind: redis.pause, on: it, for: 1s}}\n"]
    wrong += ["    - {at: 2s, fault: {kind: redis.pause, on: its, for: 1s}}\n"]
    file = written(tmp_path, step(tmp_path, "good", "0s", "60s"), *wrong)
    with pytest.raises(DocumentError) as caught:
        await run(read_experiment(file), target, None, silent())
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"{file}:7: spec.steps[1].fault: redis.pause can't be injected: it has no redis; "
        "give it one (url) in the target file"
    )
    assert lines[1].startswith(f"{file}:8: spec.steps[2].fault.on: no component 'its' in the target; did you mean 'it'")
    assert not (tmp_path / "order").exists()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (["    []\n"], "5: spec.steps: an empty experiment is not an experiment"),
        (["    - {at: 0s, fault: {kind: redis.pause, on: it}}\n"], "6: spec.steps[0].fault.for: is missing"),
        (["    - {at: 5, fault: {kind: redis.pause, on: it, for: 1s}}\n"], "6: spec.steps[0].at: '5' has no unit"),
        (["    - {at: 0s, fault: {kind: redis.paus, on: it, for: 1s}}\n"], "did you mean 'redis.pause'"),
    ],
)
def test_what_is_written_wrong_is_told_by_file_and_line(tmp_path, steps, message):
    file = written(tmp_path, *steps)
    with pytest.raises(DocumentError) as caught:
        read_experiment(file)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{file}:")


def test_a_component_by_hand_is_for_chaos_toolkit_alone(tmp_path):
    file = written(tmp_path, step(tmp_path, "good", "0s", "60s"))
    with pytest.raises(InputError, match="--on and --for are for Chaos Toolkit's experiments"):
        read_experiment(file, on="it")
