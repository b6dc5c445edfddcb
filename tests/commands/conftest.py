from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from flashcrowd.errors import FlashcrowdError


@dataclass(frozen=True)
class Ran:
    """What a command came to: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


@pytest.fixture
def flashcrowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs a command in this process, in a folder and with an undo log of its own.

    What `cli.app` does with an error of ours is done here too; any other error is raised, as a bug is.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLASHCROWD_STATE", str(tmp_path / "state"))

    def run(*words: str | Path) -> Ran:
        result = CliRunner().invoke(cli.main, [str(word) for word in words])
        if isinstance(result.exception, FlashcrowdError):
            return Ran(result.exception.exit_code, result.stdout, f"{result.stderr}{result.exception}\n")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run
