"""Run: `gameday compare`, from the words of a command line to a text, files and an exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flashcrowd.errors import ExitCode, InputError, NeedError
from flashcrowd.rundir import write_atomically
from flashcrowd.units import parse_duration, parse_ratio
from gamedays.comparison import markdown, text
from gamedays.comparison.compared import Compared, compared
from gamedays.comparison.measured import measured
from gamedays.comparison.row import Tolerance


@dataclass(frozen=True)
class Comparison:
    """A comparison that has been made."""

    found: Compared

    @property
    def exit_code(self) -> ExitCode:
        return self.found.outcome.exit_code

    def text(self, as_json: bool) -> str:
        """What goes to standard output: for people, or one JSON document."""
        if as_json:
            return json.dumps(self.found.as_dict(), indent=2, ensure_ascii=False)
        return text.write(self.found)

    def save(self, markdown_file: Path | None, html_file: Path | None) -> None:
        """Write the reports that were asked for. Raises NeedError when one can't be written."""
        if markdown_file is not None:
            _write(markdown_file, markdown.write(self.found))
        if html_file is not None:
            from gamedays.comparison import page  # altair takes a second, and the other reports need none

            _write(html_file, page.write(self.found))


def run(paths: Sequence[Path], repeats: Sequence[Path], ratio: str, seconds: str) -> Comparison:
    """Compare run directories: the last with the first, and the first's repeats.

    Raises:
        InputError: one is no run of a game day, or can't be read by this version; one is named twice; a tolerance is
            none.
    """
    tolerance = Tolerance(_parsed("--tolerance", parse_ratio, ratio), _parsed("--within", parse_duration, seconds))
    if len(paths) < 2:
        raise InputError("one run is nothing to compare; give the baseline first, then the run to be judged")
    given = [path.resolve() for path in (*paths, *repeats)]
    twice = next((path for path in given if given.count(path) > 1), None)
    if twice is not None:
        raise InputError(f"{twice} is named twice, and can't differ from itself")
    runs = [measured(path) for path in paths]
    return Comparison(compared(runs, [measured(path) for path in repeats], tolerance))


def _parsed(option: str, parse: object, value: str) -> float:
    assert callable(parse)
    try:
        return float(parse(value))
    except ValueError as error:
        raise InputError(f"{option}: {error}") from None


def _write(path: Path, content: str) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise NeedError(f"{path} can't be written: {error.strerror}") from None
