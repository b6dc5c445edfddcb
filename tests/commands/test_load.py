from __future__ import annotations

import json

import pytest

from flashcrowd.rundir import RunDirectory
from loadtests.entries import ENTERED, EntryRecord, EntryWriter, file_of


def run_of_draws(folder, name, draws, wins):
    """A run in which a hundred viewers entered each draw, one after the other; `wins(rank)` says who won."""
    run = RunDirectory.create(folder, name)
    run.write_json("manifest.json", {"run": name})
    (run.path / "load").mkdir(exist_ok=True)
    writer = EntryWriter(file_of(run.path / "load", 0))
    for draw in range(draws):
        for rank in range(100):
            prize = "mug" if wins(draw, rank) else ""
            entry = EntryRecord(float(rank), rank + 1.0, f"{name}-{draw}", f"u{rank}", ENTERED, True, prize, 200, "")
            writer.add(entry)
    writer.flush()
    return run.path


@pytest.mark.parametrize(
    ("draws", "wins", "code", "told"),
    [
        (6, lambda draw, rank: rank % 10 == draw, 0, "pass: "),
        (6, lambda draw, rank: rank < 10, 1, "fail: who wins depends on when one entered"),
        (1, lambda draw, rank: rank == 50, 3, "inconclusive: 2 winners in 2 draws; 50 of them"),
    ],
)
def test_the_fairness_of_draws_is_judged_over_many_runs(flashcrowd, tmp_path, draws, wins, code, told):
    runs = [run_of_draws(tmp_path, name, draws, wins) for name in ("monday", "tuesday")]
    ended = flashcrowd("load", "fairness", *runs)
    assert (ended.code, ended.out.startswith(told)) == (code, True), ended.out
    found = json.loads(flashcrowd("load", "fairness", "--json", *runs).out)
    assert (
        sum(found["evidence"]["winners"]) == sum(wins(draw, rank) for draw in range(draws) for rank in range(100)) * 2
    )


def test_a_folder_that_is_no_run_is_told(flashcrowd, tmp_path):
    ended = flashcrowd("load", "fairness", tmp_path / "nothing")
    assert ended.code == 2
    assert "nothing" in ended.err
