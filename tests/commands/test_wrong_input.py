from __future__ import annotations

import pytest
from command_line import CommandLine

from flashcrowd.rundir import RunDirectory

LOOPBACK = "http://127.0.0.1:1"
INJECT = ("chaos", "inject", "network.latency", "--on", "inventory")
CHECK = ("slo", "check", "storefront", "--prometheus", LOOPBACK)
WRONG = {
    "scenario": (("load", "run", "nope", "--host", LOOPBACK), "no scenario 'nope'; known: "),
    "scenario without a target": (("load", "run", "live-commerce"), "give --target FILE"),
    "load file without a target": (("load", "run", __file__), "give --target FILE, or --host URL"),
    "load file": (("load", "run", "nope.py", "--host", LOOPBACK), "nope.py: there is no such Locust file"),
    "load duration": (
        ("load", "run", __file__, "--host", LOOPBACK, "--duration", "10"),
        "--duration: '10' has no unit",
    ),
    "load elsewhere": (("load", "run", __file__, "--host", "http://192.0.2.1"), "may touch this machine alone"),
    "target to try": (("doctor", "x.yaml"), "x.yaml: can't be read"),
    "target": (("load", "run", "live-commerce", "--target", "x.yaml"), "x.yaml: can't be read"),
    "bug": (("up", "--bug", "nope"), "no bug 'nope' to plant; there are oversell, "),
    "fault kind": (
        ("chaos", "inject", "fire", "--on", "x", "--for", "5s", "--target", "x"),
        "KIND: no fault kind 'fire'",
    ),
    "fault duration": ((*INJECT, "--for", "5", "--set", "delay=1s", "--target", "x"), "--for: '5' has no unit"),
    "endless fault": (
        (*INJECT, "--for", "48h", "--set", "delay=1s", "--target", "x"),
        "--for: a fault lasts more than 0s and at most 1d",
    ),
    "fault without a parameter": ((*INJECT, "--for", "5s", "--target", "x"), "--set delay: is missing"),
    "parameter without =": (
        (*INJECT, "--for", "5s", "--set", "delay", "--target", "x"),
        "--set: 'delay' is not NAME=V",
    ),
    "parameter of another option": (
        (*INJECT, "--for", "5s", "--set", "on=shop", "--target", "x"),
        "--set: on is given already",
    ),
    "parameter": (
        (*INJECT, "--for", "5s", "--set", "delay=1s", "--set", "jiter=1s", "--target", "x"),
        "--set jiter: unknown field; did you mean 'jitter'?",
    ),
    "runbook": (("runbook", "run", "order-latancy"), "no runbook 'order-latancy'; did you mean 'order-latency'?"),
    "runbook to show": (("runbook", "show", "nope"), "no runbook 'nope'; known: behaviour-freshness"),
    "runbook without a target": (("runbook", "run", "order-latency", "--execute"), "add --target FILE"),
    "runbook's Prometheus": (("runbook", "run", "order-latency", "--prometheus", "x"), "'x' is not the URL of a Prom"),
    "SLO": (("slo", "check", "storfront", "--prometheus", LOOPBACK, "--window", "5m"), "did you mean 'storefront'?"),
    "SLO window": ((*CHECK, "--window", "5"), "--window: '5' has no unit"),
    "SLO without a window": ((*CHECK, "--window", "0s"), "--window: 0 s hold no events"),
    "SLO time": ((*CHECK, "--window", "5m", "--at", "noon"), "--at: 'noon' is no time"),
    "SLO Prometheus": (("slo", "check", "storefront", "--prometheus", "x", "--window", "5m"), "'x' is not the URL"),
    "rules": (("slo", "rules", "nope"), "no slos 'nope' built in, and no such path; known: behaviour, "),
    "window policy": (("slo", "rules", "storefront", "--windows", "nope"), "no windows 'nope' built in"),
    "plan": (("gameday", "plan", "flash-sale"), "no plan 'flash-sale' built in, nor such a file; did you mean"),
    "plan file": (("gameday", "run", "nope.yaml"), "nope.yaml: can't be read: no such file or directory"),
    "control": (
        ("gameday", "run", "flash-sale-rehearsal", "--control", "nofault"),
        "no control 'nofault'; did you mean",
    ),
    "no window": (CHECK, "--window: say how far back to look, as 15m; or --budget 30d"),
    "no budget": ((*CHECK, "--budget", "30"), "--budget: '30' has no unit"),
    "run to judge": (("gameday", "judge", "."), "is not a run directory: it has no manifest.json"),
    "run to report": (("gameday", "report", "nope"), "nope is not a run directory"),
}
USAGE = {
    "no target": ((*INJECT, "--for", "5s"), "Missing option '--target'"),
    "no duration": ((*INJECT, "--target", "x"), "Missing option '--for'"),
    "no viewers": (("load", "run", "x", "--viewers", "0"), "Invalid value for '--viewers'"),
    "no such command": (("gameday", "play"), "No such command 'play'"),
    "no such option": (("demo", "--viewers", "5"), "No such option: --viewers"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_wrong_input_ends_with_2_and_one_sentence(flashcrowd, tmp_path, words, message):
    ended = flashcrowd(*words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1
    assert list(tmp_path.rglob("*/manifest.json")) == []


@pytest.mark.parametrize(("words", "message"), USAGE.values(), ids=USAGE)
def test_wrong_usage_ends_with_2_and_says_where_help_is(flashcrowd, words, message):
    ended = flashcrowd(*words)
    assert ended.code == 2
    assert message in ended.err
    assert "-h' for help" in ended.err


def test_a_load_s_run_directory_is_no_game_day(flashcrowd, tmp_path):
    run = RunDirectory.create(tmp_path, "load")
    run.write_json("manifest.json", {"run": run.name, "scenario": "x", "viewers": 5})
    ended = flashcrowd("gameday", "report", run.path)
    assert ended.code == 2
    assert "is not the run of a game day" in ended.err


def test_an_error_goes_to_stderr_without_a_traceback(tmp_path):
    ended = CommandLine(tmp_path).run("load", "run", "nope", "--host", LOOPBACK, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("no scenario 'nope'; known: behaviour, ")
