from __future__ import annotations


def test_the_files_to_start_from_are_written_once(flashcrowd, tmp_path):
    ended = flashcrowd("init", "mine")
    assert ended.code == 0
    assert "flashcrowd doctor mine/target.yaml" in ended.out
    files = {file.name: file.read_text() for file in (tmp_path / "mine").iterdir()}
    assert set(files) == {"target.yaml", "slos.yaml", "plan.yaml", "scenario.py"}
    assert flashcrowd("gameday", "plan", "mine/plan.yaml").code == 0
    assert flashcrowd("slo", "rules", "mine/slos.yaml").code == 0
    again = flashcrowd("init", "mine")
    assert (again.code, again.out) == (2, "")
    assert "are there already; nothing was written" in again.err
    assert {file.name: file.read_text() for file in (tmp_path / "mine").iterdir()} == files


def test_doctor_tells_of_this_machine_without_a_target(flashcrowd):
    ended = flashcrowd("doctor")
    assert ended.code in (0, 4)
    assert ended.out.startswith("this machine     ")


def test_doctor_ends_with_4_when_nobody_is_there(flashcrowd):
    flashcrowd("init", ".")
    ended = flashcrowd("doctor", "target.yaml")
    assert ended.code == 4
    assert ended.out.rstrip().endswith("things to mend")
