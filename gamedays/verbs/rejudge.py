"""Rejudge: a verdict again from a run directory, be it of a game day or of a load alone."""

from __future__ import annotations

from pathlib import Path

from flashcrowd.rundir import RunDirectory
from gamedays import gameday
from gamedays.gameday import Ended
from gamedays.verbs import load_run
from gamedays.verbs.load_run import LoadRun


def judge(path: Path) -> Ended | LoadRun:
    """Judge a run directory and write its `verdict.json` anew. Raises InputError when it isn't one."""
    manifest = RunDirectory.open(path).manifest()
    if "plan" not in manifest and "scenario" in manifest:
        return load_run.judge(path)
    return gameday.judge(path)


def report(path: Path) -> list[Path]:
    """Judge a run directory and write its reports anew; their paths. Raises InputError when it isn't one."""
    ended = judge(path)
    return [load_run.write_report(ended)] if isinstance(ended, LoadRun) else gameday.write_reports(ended)


def summary(ended: Ended | LoadRun, as_json: bool) -> str:
    """What goes to standard output."""
    return load_run.summary(ended, as_json) if isinstance(ended, LoadRun) else gameday.summary(ended, as_json)
