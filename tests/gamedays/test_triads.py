from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flashcrowd.errors import ExitCode
from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Outcome
from gamedays import gameday
from gamedays.judging import controls, production
from gamedays.judging.controls import Wanted
from gamedays.judging.production import Detection, Noticed, Production
from gamedays.judging.triads import Triad, triads
from gamedays.story.story import CONTROLS, read_story

START = 1_800_000_000.0
NO_RUNBOOK = {"control": "no-runbook", "recovered": None}
WRONG = {"control": "wrong-runbook", "recovered": None}
NO_FAULT = {"control": "no-fault", "paged": None}


def only(run: RunDirectory) -> Triad:
    (triad,) = triads(read_story(run))
    return triad


def findings(run: RunDirectory) -> dict[str, tuple[Outcome, str]]:
    verdict = gameday.judge(run.path).verdict
    return {one.name: (one.outcome, one.message) for one in verdict.findings if one.name.startswith("control/")}


def test_a_triad_has_all_times_from_the_fault_to_its_healing(rehearsed):
    run = rehearsed()
    paged = Detection(
        "network.latency on inventory",
        "order-latency",
        99,
        START + 50,
        60,
        onset=START + 50,
        production=Noticed(900, "1h/5m"),
    )
    run.write_json(production.FILE, Production("google-30d", 6 * 3600, (paged,)).as_dict())
    assert only(run) == Triad(
        fault="network.latency",
        on="inventory",
        slo="order-latency",
        alert="OrderLatencyBurn",
        runbook="order-latency",
        diagnosed="inventory-slow",
        mitigations=("reserve-blocks",),
        injected=START + 50,
        paged=START + 57,
        production=900,
        mitigated=START + 57.5,
        recovered=START + 66,
        healed=START + 110.2,
        outcome=Outcome.PASS,
        credit=None,
        why="no control was played",
        replayed=True,
    )


def test_what_did_not_come_to_pass_has_no_time(rehearsed):
    seen = only(rehearsed(paged=None, heal=None))
    assert (seen.alert, seen.runbook, seen.diagnosed, seen.mitigations) == (None, None, None, ())
    assert (seen.paged, seen.production, seen.mitigated, seen.recovered, seen.healed) == (None,) * 5
    assert seen.outcome is Outcome.FAIL
    assert only(rehearsed(injected=False, paged=None)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("story", "told", "credit", "why", "exit_code"),
    [
        ({}, [NO_RUNBOOK, NO_FAULT], True, "without it there was no recovery", ExitCode.PASS),
        ({}, [NO_FAULT], None, "the control without the runbook was not played", ExitCode.PASS),
        ({}, [{"control": "no-runbook"}], False, "back within its objective 16 s after the fault", ExitCode.FAIL),
        ({}, [NO_RUNBOOK, {"control": "no-fault"}], False, "OrderLatencyBurn fired", ExitCode.FAIL),
        ({"recovered": None}, [NO_RUNBOOK], None, "there was no recovery", ExitCode.FAIL),
        ({}, [{**NO_RUNBOOK, "interrupted": 80.0}], None, "in place for 30 s only", ExitCode.INCONCLUSIVE),
        ({}, [{**NO_RUNBOOK, "interrupted": 40.0}], None, "never injected", ExitCode.INCONCLUSIVE),
        ({}, [{**NO_RUNBOOK, "prometheus_lost": 70.0}], None, "Prometheus has no data", ExitCode.INCONCLUSIVE),
        ({}, [{**NO_RUNBOOK, "bit": False, "paged": None}], None, "spoiled nothing", ExitCode.INCONCLUSIVE),
        ({}, [{**NO_RUNBOOK, "saturated": 3}], None, "can't be trusted", ExitCode.INCONCLUSIVE),
        ({}, [{"control": "no-runbook", "paged": None}], False, "16 s after the fault", ExitCode.FAIL),
        ({}, [NO_RUNBOOK, {**NO_FAULT, "interrupted": 70.0}], None, "not played to its end", ExitCode.INCONCLUSIVE),
        ({}, [NO_RUNBOOK, {**NO_FAULT, "rate": 0.5}], None, "more events", ExitCode.INCONCLUSIVE),
        ({"recovered": 57.0}, [NO_RUNBOOK], False, "no mitigation had begun yet", ExitCode.PASS),
        ({"mitigation": "failed"}, [NO_RUNBOOK], False, "no mitigation was done", ExitCode.PASS),
        ({"runbook": None}, [NO_RUNBOOK], False, "no mitigation was done", ExitCode.FAIL),
        ({"recovered": 67.0, "ended": "not_recovered"}, [NO_RUNBOOK], False, "taken back already", ExitCode.PASS),
        ({}, [{**NO_RUNBOOK, "bit": False, "bad_outside": 0.5}], None, "did not bite", ExitCode.INCONCLUSIVE),
        ({}, [NO_RUNBOOK, {**WRONG, "ended": "rolled_back"}], None, "not carried out", ExitCode.INCONCLUSIVE),
        ({}, [NO_RUNBOOK, WRONG], True, "without it there was no recovery", ExitCode.PASS),
        ({}, [{**NO_RUNBOOK, "heal": "failed"}], None, "", ExitCode.UNHEALED),
    ],
    ids=[
        "no recovery without it, no page without the fault",
        "nobody asked what happens without it",
        "it recovers by itself",
        "it pages without a fault",
        "it does not recover with it either",
        "the control was cut off under the fault",
        "the control was cut off before the fault",
        "the control has no data",
        "the control's fault spoiled nothing",
        "the control's load can't be trusted",
        "it recovers by itself before anybody is paged",
        "the control without the fault was cut off",
        "too few events without the fault",
        "it recovered before anybody had acted",
        "its mitigation failed",
        "there is no runbook",
        "it recovered when all had been taken back",
        "the control's fault did not bite",
        "the wrong runbook did nothing",
        "the wrong runbook did not help",
        "the control left its fault",
    ],
)
def test_credit_is_given_for_what_the_controls_show(with_controls, story, told, credit, why, exit_code):
    run = with_controls(*told, **story)
    seen = only(run)
    assert why in seen.why
    if exit_code is not ExitCode.UNHEALED:
        assert seen.credit is credit
    assert gameday.judge(run.path).exit_code is exit_code


def test_the_verdict_of_the_game_day_has_what_its_controls_show(with_controls):
    assert findings(with_controls(NO_RUNBOOK, NO_FAULT)) == {
        "control/no-runbook/order-latency": (
            Outcome.PASS,
            "network.latency on inventory, without its runbook: no recovery before the fault healed",
        ),
        "control/no-fault": (Outcome.PASS, "without the fault nobody was paged"),
    }


def test_a_control_that_was_wanted_and_not_played_leaves_a_doubt(with_controls):
    run = with_controls(NO_RUNBOOK)
    Wanted(("no-runbook", "no-fault"), "reserve-blocks is still in effect").save(run)
    assert controls.wanted(run).controls == ("no-runbook", "no-fault")
    outcome, message = findings(run)["control/no-fault"]
    assert (outcome, message) == (
        Outcome.INCONCLUSIVE,
        "the control was not played: reserve-blocks is still in effect",
    )
    assert gameday.judge(run.path).exit_code is ExitCode.INCONCLUSIVE


def test_a_control_that_died_before_its_manifest_is_none(with_controls, rehearsed):
    run = with_controls(NO_RUNBOOK)
    (run.path / CONTROLS / "2026-11-26T00-00-00Z-cut-off").mkdir()
    assert [control.control for control in read_story(run).controls] == ["no-runbook"]


def test_judging_again_gives_the_same(with_controls):
    run = with_controls(NO_RUNBOOK, NO_FAULT)
    gameday.judge(run.path)
    before = (run.path / "verdict.json").read_bytes()
    again = Path(shutil.move(run.path, run.path.with_name("moved")))
    gameday.judge(again)
    assert (again / "verdict.json").read_bytes() == before


def test_a_game_day_whose_controls_nobody_asked_for_says_so(rehearsed, with_controls):
    def complete(run: RunDirectory) -> tuple[Outcome, str]:
        manifest = run.read_json("manifest.json")
        manifest["plan"]["spec"]["controls"] = ["no-fault", "no-runbook"]
        run.write_json("manifest.json", manifest)
        (found,) = [one for one in gameday.judge(run.path).verdict.findings if one.name == "run/complete"]
        return found.outcome, found.message

    said = "played to its end, 02:00; without its controls ({}), so that no credit is given"
    assert complete(rehearsed()) == (Outcome.PASS, said.format("no-fault, no-runbook"))
    assert complete(with_controls(NO_RUNBOOK, name="half")) == (Outcome.PASS, said.format("no-fault"))
    assert complete(with_controls(NO_FAULT, NO_RUNBOOK, name="whole")) == (Outcome.PASS, "played to its end, 02:00")
    alone = rehearsed(name="alone", **NO_RUNBOOK)
    assert complete(alone) == (Outcome.PASS, "played to its end, 02:00"), "a control has none of its own"
