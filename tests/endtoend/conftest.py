from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine


@pytest.fixture
def command_line(tmp_path: Path) -> Iterator[CommandLine]:
    it = CommandLine(tmp_path)
    yield it
    it.clean_up()


@pytest.fixture(scope="module")
def shared_command_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    it = CommandLine(tmp_path_factory.mktemp("shared"))
    yield it
    it.clean_up()
