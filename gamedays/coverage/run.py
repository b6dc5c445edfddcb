"""Run: `gameday coverage`, from the words of a command line to a text and an exit code."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flashcrowd.documents import did_you_mean
from flashcrowd.errors import ExitCode, InputError
from flashcrowd.target import read_target
from gamedays.coverage import markdown, text
from gamedays.coverage.coverage import Coverage, coverage
from gamedays.coverage.hole import Risk
from gamedays.coverage.subject import name_of, subject
from gamedays.evidence import evidence

RUNS = Path("runs")


@dataclass(frozen=True)
class Covered:
    """A coverage that has been made. said: for stderr, a line each. fail_on: the least risk that is a fail."""

    found: Coverage
    said: tuple[str, ...]
    fail_on: Risk | None

    @property
    def exit_code(self) -> ExitCode:
        bad = [hole for hole in self.found.holes if self.fail_on is not None and hole.risk.place <= self.fail_on.place]
        return ExitCode.FAIL if bad else ExitCode.PASS

    def text(self, as_json: bool, as_markdown: bool) -> str:
        """What goes to standard output: for people, one JSON document, or a page for a wiki."""
        if as_json:
            return json.dumps(self.found.as_dict(), indent=2, ensure_ascii=False)
        return markdown.write(self.found) if as_markdown else text.write(self.found)


def run(
    paths: Sequence[Path],
    target_file: Path | None = None,
    slo_files: Sequence[str] = (),
    folders: Sequence[Path] = (),
    fail_on: str | None = None,
    now: float | None = None,
) -> Covered:
    """What game days covered of a target.

    paths: run directories, or folders of them; `runs` here, if it is there, where none is given. target_file: the
    target; that of the latest game day, if none is given. slo_files: its SLOs; those of the runs, if none is given.
    folders: of its runbooks. fail_on: `high`, `medium` or `low`. now: unix seconds.

    Raises:
        InputError: no such path or risk. DocumentError: a file is wrong, with every fault.
    """
    least = _risk(fail_on)
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"--runbooks: {folder} is no folder")
    stories, said = evidence.stories(paths or ([RUNS] if RUNS.is_dir() else []))
    target = read_target(target_file) if target_file is not None else None
    games = [story for story in stories if story.control is None]
    wanted = target.name if target is not None else name_of(games[-1]) if games else None
    others = [story for story in stories if wanted is not None and name_of(story) != wanted]
    said += [f"{story.run.path} left out: it is of {name_of(story)}" for story in others if story.control is None]
    mine = [story for story in stories if story not in others]
    about = subject(target, [story for story in games if story not in others], slo_files, folders)
    return Covered(coverage(about, mine, time.time() if now is None else now), tuple(said), least)


def _risk(name: str | None) -> Risk | None:
    if name is None:
        return None
    if name not in list(Risk):
        raise InputError(f"--fail-on: no risk '{name}'{did_you_mean(name, list(Risk))}; there are high, medium and low")
    return Risk(name)
