from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flashcrowd.errors import ExitCode, GuardError, InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Finding, Outcome, Verdict
from gamedays import load_run
from gamedays.load_run import LoadRun
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


@pytest.mark.parametrize(("duration", "over"), [("1m", 10.0), ("4s", 2.0)])
def test_viewers_arrive_in_ten_seconds_or_in_half_of_the_time(duration, over):
    assert load_run.spec(**{**GOOD, "duration": duration}).over == over


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"duration": "60"}, "--duration: '60' has no unit; write 60s, 5m or 1h"),
        ({"over": "soon"}, "--over: 'soon' is not a duration; write 90s, 5m or 1h30m"),
        ({"shape": "spike"}, "--shape: no shape 'spike'; known: doorbuster, ramp"),
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
        ({}, InputError, "live-commerce needs to know a chat and a shop: give --target FILE"),
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


def test_an_interruption_outweighs_the_verdict_of_a_load():
    stopped = ended(Finding("load/activity", Outcome.PASS, "1 request"), interrupted=True)
    assert stopped.exit_code is ExitCode.INTERRUPTED
    assert load_run.text(stopped).endswith("interrupted; what there is: runs/x")
    assert ended().exit_code is ExitCode.INCONCLUSIVE
