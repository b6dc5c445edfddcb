import json

import pytest

from flashcrowd.errors import InputError, NeedError
from flashcrowd.rundir import RunDirectory, write_atomically


def test_events_come_back_in_order_of_time(tmp_path):
    run = RunDirectory.create(tmp_path, "a plan")
    run.record("load", "started", at=20.0, viewers=3)
    run.record("fault", "injected", at=10.0, note="line\u2028separator")
    assert [(event.kind, event.time) for event in run.events()] == [("injected", 10.0), ("started", 20.0)]
    assert run.events("load")[0].data == {"viewers": 3}


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path):
    run = RunDirectory.create(tmp_path, "plan")
    run.record("load", "started")
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"time": 3, "sour')
    assert len(run.events()) == 1


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path):
    assert len({RunDirectory.create(tmp_path, "plan").path for _ in range(3)}) == 3


def test_a_name_is_made_fit_for_a_folder(tmp_path):
    assert RunDirectory.create(tmp_path, "../sale no. 1/").path.parent == tmp_path


def test_listeners_hear_what_is_recorded(tmp_path):
    run, heard = RunDirectory.create(tmp_path, "plan"), []
    run.listen(heard.append)
    run.record("sale", "opened", wave=1)
    assert heard[0].data == {"wave": 1}


def test_what_cant_be_written_is_told_with_the_remedy(tmp_path):
    run = RunDirectory.create(tmp_path, "plan")
    (run.path / "events.jsonl").mkdir()
    with pytest.raises(NeedError, match=r"events\.jsonl can't be written: .*; make room, or choose another --out"):
        run.record("load", "started")
    with pytest.raises(NeedError, match="can't be written: No such file or directory"):
        run.write_text("no-such/report.md", "")


def test_a_folder_without_a_manifest_is_no_run_directory(tmp_path):
    with pytest.raises(InputError, match="not a run directory"):
        RunDirectory.open(tmp_path)


def test_a_base_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NeedError, match="can't be made"):
        RunDirectory.create(tmp_path / "file", "plan")


def test_json_is_written_whole_and_read_back(tmp_path):
    run = RunDirectory.create(tmp_path, "plan")
    run.write_json("verdict.json", {"outcome": "pass"})
    assert run.read_json("verdict.json") == {"outcome": "pass"}
    with pytest.raises(InputError, match="is missing"):
        run.read_json("manifest.json")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "verdict.json"
    write_atomically(file, json.dumps(1))
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["verdict.json"]
    assert file.read_text() == "1"
