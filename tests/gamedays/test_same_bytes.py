"""Judging and reporting again give the same bytes: elsewhere, at another time, in another environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from command_line import ROOT

from gamedays import gameday

MADE = ("verdict.json", "report.html", "report.md", "junit.xml")
OTHER = {
    "PYTHONPATH": str(ROOT),
    "PYTHONHASHSEED": "7",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "LC_ALL": "C",
    "TZ": "Asia/Tokyo",
    "COLUMNS": "40",
    "NO_COLOR": "1",
}


def made(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in MADE}


def test_the_same_run_gives_the_same_bytes_wherever_and_whenever_it_is_judged(with_controls, tmp_path):
    run = with_controls({"control": "no-runbook", "recovered": None}, name="Generalprobe für elf", oversold=20, lost=9)
    draw = {"draw_id": "d", "prizes": ["cup"], "opens_at": 1_800_000_020.0, "closes_at": 1_800_000_030.0}
    run.record("draw", "opened", at=1_800_000_020.0, **draw)
    run.write_text("load/draw-ledger.jsonl", "damaged\n")  # of which a finding says so, with the file's name
    copy = tmp_path / "elsewhere" / run.path.name
    shutil.copytree(run.path, copy)
    gameday.write_reports(gameday.judge(run.path))
    first = made(run.path)
    assert b"load/draw-ledger.jsonl:1" in first["verdict.json"]
    assert first["verdict.json"].count(b"fail") > 2
    assert str(tmp_path).encode() not in b"".join(first.values())

    words = [sys.executable, "-m", "cli", "gameday", "report", "."]
    again = subprocess.run(words, cwd=copy, env={**os.environ, **OTHER}, capture_output=True, check=False)
    assert again.returncode == 0, again.stderr
    assert made(copy) == first
