from __future__ import annotations

import subprocess
import sys

import psutil
from command_line import wait_until

from flashcrowd.sweeper import swept

CHILD = """
import sys, time
from pathlib import Path
from flashcrowd.sweeper import swept
parent = Path(sys.argv[1])
with swept("work-", parent, unfinished=parent) as folder:
    (folder / "deep").mkdir()
    (folder / "deep" / "data").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_folder_goes_with_us(tmp_path):
    with swept("work-", tmp_path) as folder:
        (folder / "data").write_text("x")
        sweepers = [child for child in psutil.Process().children() if "flashcrowd-sweeper" in child.cmdline()]
        assert len(sweepers) == 1
    assert list(tmp_path.iterdir()) == []
    assert not sweepers[0].is_running()


def test_a_folder_goes_when_we_are_killed_and_what_was_half_written_with_it(tmp_path):
    (tmp_path / "load").mkdir()
    for name in (".verdict.json.a1b2c3d4", "load/.summary.json.x_y2z3a4", "load/summary.json", ".keep"):
        (tmp_path / name).write_text("x")
    process = subprocess.Popen([sys.executable, "-c", CHILD, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        folder = process.stdout.readline().strip()
        assert folder.startswith(str(tmp_path.resolve() / "work-"))
    finally:
        process.kill()
        process.communicate()
    kept = [tmp_path / ".keep", tmp_path / "load", tmp_path / "load" / "summary.json"]
    wait_until(lambda: sorted(tmp_path.rglob("*")) == kept, "the end of the folder", timeout=30)
