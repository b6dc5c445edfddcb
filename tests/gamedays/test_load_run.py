from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flashcrowd.errors import ExitCode, GuardError, InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays.verbs import load_run
from gamedays.verbs.load_run import LoadRun
from loadtests.result import LoadResult, RequestResult

GOOD = {
    "scenario": "live-commerce",
    "viewers": 100,
    "shape": "ramp",
    "duration": "1m",
    "over": None,
    "workers": "auto",
    "host": None,
    "metrics_port": None,
}


def test_the_words_of_a_command_line_become_a_load():
    spec = load_run.spec(**{**GOOD, "duration": "1m30s", "over": "4s", "workers": "3"})
    assert (spec.duration, spec.over, spec.workers) == (90.0, 4.0, 3)


@pytest.mark.parametrize(
    ("shape", "duration", "over"),
    [("ramp", "1m", 10.0), ("ramp", "4s", 2.0), ("steps", "1m", 60.0), ("spike", "1m", 10.0), ("spike", "6s", 1.0)],
)
def test_viewers_arrive_in_ten_seconds_or_in_half_of_the_time(shape, duration, over):
    assert load_run.spec(**{**GOOD, "shape": shape, "duration": duration}).over == over


@pytest.mark.parametrize(("viewers", "most"), [(None, 250), (5000, 5000)])
def test_a_trace_brings_its_viewers_and_its_duration_unless_others_are_asked_for(tmp_path, viewers, most):
    file = tmp_path / "friday.csv"
    file.write_text("seconds,viewers\n0,10\n90,250\n120,0\n")
    words = {**GOOD, "shape": None, "duration": None, "viewers": viewers, "trace": file}
    spec = load_run.spec(**words)
    assert (spec.shape, spec.viewers, spec.duration, len(spec.points)) == ("trace", most, 120.0, 3)


def test_without_a_word_a_hundred_viewers_come_for_a_minute_into_one_room():
    spec = load_run.spec(**{**GOOD, "viewers": None, "shape": None, "duration": None})
    assert (spec.viewers, spec.shape, spec.duration, spec.rooms) == (100, "ramp", 60.0, ("main",))
    assert load_run.spec(**GOOD, rooms=3).rooms == ("main", "room-2", "room-3")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"duration": "60"}, "--duration: '60' has no unit; write 60s, 5m or 1h"),
        ({"over": "soon"}, "--over: 'soon' is not a duration; write 90s, 5m or 1h30m"),
        ({"shape": "spke"}, "--shape: no shape 'spke'; did you mean 'spike'?"),
        ({"duration": "0s"}, "--duration: nobody comes for 0s; write 30s, say"),
        ({"steps": 3}, "--steps is for --shape steps; the shape is ramp"),
        ({"shape": "spike", "stay": "5m"}, "--stay is for --shape soak; the shape is spike"),
        ({"shape": "soak", "stay": "5"}, "--stay: '5' has no unit; write 5s, 5m or 1h"),
        ({"shape": "trace"}, "--shape trace: give --trace FILE, a CSV of seconds,viewers"),
        ({"trace": Path("x.csv")}, "--trace is for --shape trace; the shape is ramp"),
        ({"shape": "trace", "trace": Path("x.csv")}, "--duration: a trace says by itself how long it is; leave it out"),
        ({"workers": "0"}, "--workers: '0' is neither auto nor a number from 1"),
        ({"workers": "-1"}, "--workers: '-1' is neither auto nor a number from 1"),
    ],
)
def test_a_wrong_word_is_told_with_its_option(wrong, message):
    with pytest.raises(InputError) as refused:
        load_run.spec(**{**GOOD, **wrong})
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"scenario": "nope"}, InputError, "no scenario 'nope'"),
        ({"scenario": "nope.py", "host": "http://127.0.0.1:1"}, InputError, "there is no such Locust file"),
        ({}, InputError, "live-commerce needs a target: give --target FILE"),
        ({"host": "http://127.0.0.1:1"}, InputError, "give --target FILE; --host is for plain Locust"),
        ({"scenario": __file__}, InputError, "the load has no target; give --target FILE, or --host URL"),
        ({"scenario": __file__, "host": "http://192.0.2.1"}, GuardError, "http://192.0.2.1 is elsewhere"),
    ],
)
def test_a_load_that_can_not_be_leaves_no_run_directory(tmp_path, wrong, error, message):
    spec = load_run.spec(**{**GOOD, **wrong})
    with pytest.raises(error, match=message):
        asyncio.run(load_run.play(spec, None, None, tmp_path / "runs", lambda line: None))
    assert list((tmp_path / "runs").glob("*")) == []


def ended(*findings: Finding, interrupted: bool = False) -> LoadRun:
    requests = (
        RequestResult("order", "POST", 1200, 3, 0.02, 0.0845, 1.5),
        RequestResult("x" * 60, "GET", 1, 0, 0, 0, 0),
    )
    result = LoadResult(requests, {}, {}, 0.005, 0)
    return LoadRun(RunDirectory(Path("runs/x")), result, Verdict(findings), interrupted)


def test_the_table_has_a_row_a_name_and_80_columns():
    lines = load_run.text(ended(Finding("load/activity", Outcome.PASS, "1,201 requests, 3 failed"))).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].split() == ["order", "1,200", "3", "20", "ms", "84", "ms", "1500", "ms"]
    assert lines[-1] == "pass: runs/x"


def rooms(most: int, on_time: int, late: int) -> dict[str, object]:
    times = {"p50": 0.021, "p95": 0.05, "p99": 1.2, "max": 2.0}
    counts = {"connections": most + 1, "most": most, "withheld": 0, "on_time": on_time, "late": late, "lost": 0}
    return {**counts, "delivery": times}


def test_small_rooms_stand_beside_the_head_room_where_there_are_some():
    both = {"head": rooms(1200, 1_000_000, 10), "small": rooms(300, 90, 10)}
    result = LoadResult((), {}, {}, 0.005, 0, rooms=both)
    run = LoadRun(RunDirectory(Path("runs/x")), result, Verdict(()), False)
    lines = load_run.text(run).splitlines()
    assert max(map(len, lines)) <= 80
    head, small = (line.split() for line in lines[3:5])
    assert head == ["head", "1,200", "1,201", "1,000,010", "99.99", "%", "21", "ms", "1200", "ms"]
    assert small[:6] == ["small", "300", "301", "100", "90.00", "%"]
    alone = LoadResult((), {}, {}, 0.005, 0, rooms={**both, "small": rooms(-1, 0, 0)})
    run = LoadRun(RunDirectory(Path("runs/x")), alone, Verdict(()), False)
    assert "rooms" not in load_run.text(run)


def test_an_interruption_outweighs_the_verdict_of_a_load():
    stopped = ended(Finding("load/activity", Outcome.PASS, "1 request"), interrupted=True)
    assert stopped.exit_code is ExitCode.INTERRUPTED
    assert load_run.text(stopped).endswith("interrupted; what there is: runs/x")
    assert ended().exit_code is ExitCode.INCONCLUSIVE
