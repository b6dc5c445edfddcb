from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Outcome
from gamedays.comparison import markdown, text
from gamedays.comparison.compared import Compared, compared
from gamedays.comparison.measured import measured
from gamedays.comparison.row import Call, Key, Row, Tolerance

RECOVERY = Key("recovery", "order-latency after network.latency on inventory")
LATENCY = Key("objectives", "order-latency outside faults")
Rehearsed = Callable[..., RunDirectory]


def slower(run: RunDirectory, factor: float) -> RunDirectory:
    """The run, with each order taking so many times as long."""
    for path in (run.path / "load").glob("history-*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for number, row in enumerate(rows):
            row["end"] = row["start"] + 0.08 * factor * (1 + number % 7 / 50)
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return run


def lagging(run: RunDirectory, lag: float, timer: float = 0.005) -> RunDirectory:
    counts = run.read_json("load/summary.json")
    run.write_json("load/summary.json", {**counts, "lag_p99": timer, "times": {"start lag": {"p99": lag}}})
    return run


def beside(before: RunDirectory, now: RunDirectory, *repeats: RunDirectory, **tolerance: float) -> Compared:
    runs = [measured(run.path) for run in (before, now)]
    return compared(runs, [measured(run.path) for run in repeats], Tolerance(**tolerance))


def row(found: Compared, key: Key) -> Row:
    return next(row for row in found.rows if row.key == key)


def test_the_same_twice_is_the_same(rehearsed):
    found = beside(rehearsed(), rehearsed())
    assert (found.outcome, found.changes, found.regressions) == (Outcome.PASS, (), ())
    calls = {row.key.name: row.call for row in found.rows if row.key.group in ("recovery", "objectives", "latency")}
    assert {name for name, call in calls.items() if call is not Call.SAME} == {"order p99 outside faults"}
    assert found.headline.startswith("Nothing got worse: ")


def test_a_recovery_that_no_longer_comes_is_the_first_thing_said(rehearsed):
    found = beside(rehearsed(), rehearsed(control="no-runbook", recovered=None))
    assert found.outcome is Outcome.FAIL
    assert found.headline.startswith(f"Recovery got worse: {RECOVERY.name}, 16 s before, never now")
    assert found.rows[0].key.group == "recovery"
    assert [str(change) for change in found.changes] == ["control: none → no-runbook"]


@pytest.mark.parametrize(
    ("recovered", "call"),
    [(70.0, Call.SAME), (72.0, Call.WORSE), (62.0, Call.SAME), (60.0, Call.BETTER), (None, Call.WORSE)],
)
def test_a_time_has_to_exceed_its_tolerance(rehearsed, recovered, call):
    found = beside(rehearsed(), rehearsed(recovered=recovered))
    assert row(found, RECOVERY).call is call
    assert (found.outcome is Outcome.FAIL) == (call is Call.WORSE)


def test_what_is_below_the_step_of_measurement_is_no_difference(rehearsed):
    found = beside(rehearsed(), rehearsed(recovered=69.0), seconds=0.1, ratio=0.0)
    assert row(found, RECOVERY).why == "within 4.0 s, the step of measurement"


def test_the_spread_of_repeats_is_chance(rehearsed):
    apart = [rehearsed(recovered=at) for at in (66.0, 60.0, 74.0)]
    now = rehearsed(recovered=76.0)
    assert row(beside(apart[0], now), RECOVERY).call is Call.WORSE
    found = row(beside(apart[0], now, *apart[1:]), RECOVERY)
    assert found.call is Call.SAME
    assert found.why.endswith("the spread of 3 runs before")


def test_a_fault_that_never_came_or_did_not_bite_tells_nothing_of_recovery(rehearsed):
    for now in (rehearsed(control="no-fault", paged=None), rehearsed(bit=False, paged=None)):
        assert row(beside(rehearsed(), now), RECOVERY).call is Call.UNTOLD


def test_more_bad_events_than_chance_are_worse(rehearsed):
    found = beside(rehearsed(bad_outside=0.001), rehearsed(bad_outside=0.02))
    seen = row(found, LATENCY)
    assert (seen.call, seen.before, seen.now) == (Call.WORSE, "0.1 % bad", "2 % bad")
    assert seen.chance is not None
    assert seen.limit is not None
    assert seen.chance < seen.limit
    assert beside(rehearsed(bad_outside=0.001), rehearsed(bad_outside=0.002)).outcome is Outcome.PASS


def test_too_few_events_tell_nothing(rehearsed):
    found = beside(rehearsed(rate=1.0), rehearsed(rate=1.0, bad_outside=0.5))
    assert row(found, LATENCY).call is Call.UNTOLD
    assert "events are too few, 100 wanted" in row(found, LATENCY).why


def test_slower_orders_are_worse_and_quicker_ones_better(rehearsed):
    key = Key("latency", "order p50 outside faults")
    found = beside(slower(rehearsed(), 1), slower(rehearsed(), 2))
    assert (row(found, key).call, found.outcome) == (Call.WORSE, Outcome.FAIL)
    assert row(beside(found.now.story.run, found.before[0].story.run), key).call is Call.BETTER
    assert row(beside(found.before[0].story.run, found.now.story.run, ratio=1.5), key).call is Call.SAME
    assert "too few for p99" in row(found, Key("latency", "order p99 outside faults")).why


def test_a_machine_that_was_late_itself_is_never_the_targets_fault_and_never_a_pass(rehearsed):
    key = Key("latency", "order p50 outside faults")
    before = lagging(slower(rehearsed(), 1), 0.005)
    found = beside(before, lagging(slower(rehearsed(), 2), 0.03))
    assert (row(found, key).call, found.outcome) == (Call.UNTOLD, Outcome.INCONCLUSIVE)
    assert "It can't be told whether order p50 outside faults got worse" in found.headline
    found = beside(before, lagging(slower(rehearsed(), 2), 0.005, timer=0.2))
    assert (row(found, key).call, found.outcome) == (Call.UNTOLD, Outcome.INCONCLUSIVE)
    assert row(beside(before, lagging(slower(rehearsed(), 1.05), 0.03)), key).call is Call.SAME


def test_orders_that_are_lost_now_are_worse(rehearsed):
    found = beside(rehearsed(), rehearsed(lost=1))
    assert found.outcome is Outcome.FAIL
    assert found.rows[0].key == Key("invariants", "lost")
    assert beside(rehearsed(lost=1), rehearsed(lost=1)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("story", "why"),
    [
        ({"aborted": "the ledger is gone"}, "was aborted at 02:02: the ledger is gone"),
        ({"interrupted": 63.0}, "ended at 01:05, before its plan did"),
        ({"saturated": 3}, "the load generator was saturated for 3 s"),
        ({"figures": False}, "the load generator left no figures of itself"),
        ({"connected": 900.0}, "only 900 of 2,000 viewers were connected"),
    ],
)
def test_what_can_not_be_believed_is_not_compared(rehearsed, story, why):
    for found in (beside(rehearsed(), rehearsed(**story)), beside(rehearsed(**story), rehearsed())):
        assert found.outcome is Outcome.INCONCLUSIVE
        assert why in found.headline


def test_another_plan_is_no_ground_for_a_verdict(rehearsed):
    now = rehearsed()
    manifest = now.read_json("manifest.json")
    manifest["plan"]["spec"]["load"]["viewers"] = 1900
    now.write_json("manifest.json", manifest)
    found = beside(rehearsed(), now)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "the plan is another one (plan.spec.load.viewers: 2000 → 1900)" in found.headline
    assert found.rows


def test_what_is_expected_may_change_and_is_said(rehearsed):
    expect = "{slo: order-latency, detected_within: 19s, runbook: order-latency, recovered_within: 35s}"
    found = beside(rehearsed(), rehearsed(expect=expect))
    assert found.outcome is Outcome.PASS
    assert [change.path for change in found.changes] == ["plan.spec.steps[0].expect.detected_within"]


def test_an_objective_that_is_another_now_is_left_out(rehearsed):
    now = rehearsed(bad_outside=0.02)
    manifest = now.read_json("manifest.json")
    slo = next(slo for slo in manifest["slos"] if slo["name"] == "order-latency")
    slo["objective"] = 97.0
    now.write_json("manifest.json", manifest)
    found = beside(rehearsed(), now)
    assert row(found, LATENCY).why == "the queries or the objective of order-latency are others now"
    assert found.outcome is Outcome.PASS


def test_ports_and_run_folders_are_no_difference_and_versions_are(rehearsed):
    runs = [rehearsed(), rehearsed()]
    for port, run in zip((7001, 7002), runs, strict=True):
        manifest = run.read_json("manifest.json")
        component = {"pidfile": f"/tmp/{port}", "admin": f"http://127.0.0.1:{port}/admin", "folder": f"/r/{run.name}"}
        manifest["target"] = {"metadata": {"name": "staging"}, "spec": {"components": {"shop": component}}}
        manifest["versions"]["flashcrowd"] = f"0.{port}"
        run.write_json("manifest.json", manifest)
    assert [str(change) for change in beside(*runs).changes] == ["versions.flashcrowd: 0.7001 → 0.7002"]


def test_three_runs_have_a_trend_and_one_that_broke_off_is_said(rehearsed):
    runs = [rehearsed(), rehearsed(recovered=70.0), rehearsed(interrupted=63.0), rehearsed(recovered=None)]
    found = compared([measured(run.path) for run in runs], [], Tolerance())
    assert found.warnings == (f"{runs[2].name} ended at 01:05, before its plan did; the trend is without it",)
    series = next(one for one in found.trend.series if one.key == RECOVERY)
    assert (series.values, series.texts, series.sparkline) == ((16.0, 20.0, None), ("16 s", "20 s", "never"), "▆▇·")
    assert "trend of 3 runs, oldest first" in text.write(found)


@pytest.mark.parametrize(
    "story",
    [{}, {"recovered": None}, {"lost": 2, "bad_outside": 0.02}, {"aborted": "a | b <c>"}, {"saturated": 2}],
)
def test_every_kind_of_comparison_fits_its_page(rehearsed, story):
    runs = [measured(run.path) for run in (rehearsed(), rehearsed(recovered=72.0), rehearsed(**story))]
    found = compared(runs, [], Tolerance())
    shown = text.write(found)
    assert max(map(len, shown.splitlines())) <= 80, shown
    assert shown.splitlines()[0].endswith(found.outcome.upper())
    for table in re.findall(r"(?:^\|.*\n)+", markdown.write(found), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table
    assert json.loads(json.dumps(found.as_dict()))["outcome"] == found.outcome


def test_the_command_writes_all_of_it_and_ends_with_the_verdict(flashcrowd_here, rehearsed, tmp_path):
    before, now = rehearsed().path, rehearsed(recovered=None).path
    ended = flashcrowd_here("compare", before, now, "--markdown", tmp_path / "c.md")
    assert ended.exit_code == 1
    assert "Recovery got worse" in " ".join(ended.stdout.split())
    assert (tmp_path / "c.md").read_text().startswith("# ❌ friday: something got worse")
    told = json.loads(flashcrowd_here("compare", before, now, "--json").stdout)
    assert (told["outcome"], told["run"]) == ("fail", str(now))
    late = rehearsed(recovered=80.0).path
    assert flashcrowd_here("compare", before, late).exit_code == 1
    assert flashcrowd_here("compare", before, late, "--within", "15s").exit_code == 0


def test_the_page_is_offline_and_without_script(flashcrowd_here, rehearsed, tmp_path):
    runs = [rehearsed(recovered=at).path for at in (66.0, 68.0, 75.0)]
    assert flashcrowd_here("compare", *runs, "--html", tmp_path / "trend.html").exit_code == 1
    made = (tmp_path / "trend.html").read_text()
    assert made.count("<svg") >= 3
    assert "#cf222e" in made.partition("<svg")[2], "the run that got worse stands out"
    assert "prefers-color-scheme: dark" in made
    assert not re.search(r"<script|\bon\w+=|@import|url\((?!#)", made)
    assert all(link.startswith(("data:", "#")) for link in re.findall(r'(?:src|href)="([^"]*)"', made))


def test_what_is_no_run_is_wrong_input(flashcrowd_here, rehearsed, tmp_path):
    run, old = rehearsed().path, rehearsed()
    load = RunDirectory.create(tmp_path, "load")
    load.write_json("manifest.json", {"run": "load", "scenario": "chat", "viewers": 5})
    manifest = old.read_json("manifest.json")
    old.write_json("manifest.json", {**manifest, "plan": {"kind": "GameDay", "old": True}})
    for words, message in (
        ((run,), "one run is nothing to compare"),
        ((run, run), "is named twice"),
        ((run, tmp_path), "is not a run directory: it has no manifest.json"),
        ((run, load.path), "is not the run of a game day"),
        ((run, old.path), "can't be read by this version of flashcrowd"),
        ((run, rehearsed().path, "--tolerance", "much"), "--tolerance: 'much' is not a ratio"),
        ((run, rehearsed().path, "--within", "5"), "--within: '5' has no unit"),
    ):
        with pytest.raises(Exception, match=re.escape(message)) as error:
            flashcrowd_here("compare", *words)
        assert error.value.exit_code == 2  # type: ignore[attr-defined]


@pytest.fixture
def flashcrowd_here() -> Callable[..., object]:
    """Runs `flashcrowd gameday` in this process; an error of ours is raised."""
    from typer.testing import CliRunner

    import cli

    def run(*words: str | Path) -> object:
        result = CliRunner().invoke(cli.main, ["gameday", *map(str, words)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
