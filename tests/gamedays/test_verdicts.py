from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from flashcrowd.errors import ExitCode, InputError
from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Outcome
from gamedays import gameday
from gamedays.gameday import Ended
from gamedays.report import sentences
from gamedays.report.moments import moments

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
SOUND = {
    "run/complete",
    "run/phases",
    "crowd/trust",
    "crowd/size",
    "fault/1/bit",
    "fault/1/healed",
    "slo/order-availability/outside",
    "slo/order-latency/outside",
    "slo/chat-delivery/outside",
    "expect/order-latency/detected",
    "expect/order-latency/runbook",
    "expect/order-latency/recovered",
    "expect/order-latency/held",
    "invariant/oversold",
    "invariant/undersold",
    "invariant/lost",
    "invariant/duplicate",
    "invariant/replay",
    "invariant/rejected-but-stored",
    "invariant/unknown",
    "invariant/activity",
}
"""The findings of a rehearsal in which all went well."""


@dataclass(frozen=True)
class Case:
    """A story, the verdict, what doesn't pass and why, and a part of the advice."""

    story: dict[str, object]
    outcome: Outcome
    exit_code: ExitCode
    findings: dict[str, tuple[Outcome, str]]
    advice: str
    absent: set[str] = field(default_factory=set)


UNCONTESTED = {
    "invariant/oversold": (INCONCLUSIVE, "nothing was wanted beyond the stock"),
    "invariant/undersold": (INCONCLUSIVE, "nobody had to be turned away"),
    "invariant/rejected-but-stored": (INCONCLUSIVE, "no order was rejected"),
}
"""What a run leaves open that ends before anybody came away without."""

NO_DATA = "Prometheus has data for 0 of"
CASES = {
    "all goes well": Case({}, PASS, ExitCode.PASS, {}, "--control no-runbook"),
    "the runbook does not help": Case(
        {"recovered": None},
        FAIL,
        ExitCode.FAIL,
        {"expect/order-latency/recovered": (FAIL, "no recovery within 35 s, and none before the fault healed")},
        "Read the runbook's transcript",
        {"expect/order-latency/held"},
    ),
    "it recovers too late": Case(
        {"recovered": 95.0},
        FAIL,
        ExitCode.FAIL,
        {
            "expect/order-latency/recovered": (
                FAIL,
                "back within its objective 45 s after network.latency on inventory, at most 35 s wanted",
            )
        },
        "Read the runbook's transcript",
    ),
    "the page comes too late": Case(
        {"paged": 75.0, "recovered": 80.0},
        FAIL,
        ExitCode.FAIL,
        {"expect/order-latency/detected": (FAIL, "OrderLatencyBurn paged 25 s after network.latency on inventory")},
        "Look at the alert's windows",
    ),
    "nobody is paged": Case(
        {"paged": None, "recovered": None},
        FAIL,
        ExitCode.FAIL,
        {
            "expect/order-latency/detected": (FAIL, "no page within 20 s of network.latency on inventory"),
            "expect/order-latency/runbook": (FAIL, "nobody was paged, so nobody was told of the runbook order-latency"),
            "expect/order-latency/recovered": (FAIL, "no recovery within 35 s: nobody was paged"),
        },
        "Look at the alert's windows",
        {"expect/order-latency/held"},
    ),
    "nobody is paged where only a runbook was expected": Case(
        {"paged": None, "recovered": None, "expect": "{slo: order-latency, runbook: order-latency}"},
        FAIL,
        ExitCode.FAIL,
        {"expect/order-latency/runbook": (FAIL, "nobody was paged")},
        "runbook",
        {"expect/order-latency/detected", "expect/order-latency/recovered", "expect/order-latency/held"},
    ),
    "the page names no runbook": Case(
        {"runbook": None},
        FAIL,
        ExitCode.FAIL,
        {"expect/order-latency/runbook": (FAIL, "OrderLatencyBurn names no runbook, order-latency wanted")},
        "runbook",
    ),
    "the page names another runbook": Case(
        {"runbook": "chat-flood"},
        FAIL,
        ExitCode.FAIL,
        {"expect/order-latency/runbook": (FAIL, "names the runbook chat-flood, order-latency wanted")},
        "runbook",
    ),
    "the fault does not bite": Case(
        {"bit": False, "paged": None, "recovered": None},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {
            "fault/1/bit": (INCONCLUSIVE, "did not bite: p50 9 ms, 8 ms before, 800 ms asked"),
            "expect/order-latency": (INCONCLUSIVE, "did not bite, so nothing could be expected"),
        },
        "run it again",
        {f"expect/order-latency/{part}" for part in ("detected", "runbook", "recovered", "held")},
    ),
    "the fault is never injected": Case(
        {"injected": False, "paged": None},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {
            "fault/1/bit": (INCONCLUSIVE, "network.latency on inventory was never injected"),
            "expect/order-latency": (INCONCLUSIVE, "was never injected, so nothing could be expected"),
        },
        "run it again",
        {"run/phases", "fault/1/healed"}
        | {f"expect/order-latency/{part}" for part in ("detected", "runbook", "recovered", "held")},
    ),
    "the fault, of which nothing is expected, is never injected": Case(
        {"injected": False, "paged": None, "expect": "null"},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {"fault/1/bit": (INCONCLUSIVE, "was never injected")},
        "run it again",
        {"run/phases", "fault/1/healed"}
        | {f"expect/order-latency/{part}" for part in ("detected", "runbook", "recovered", "held")},
    ),
    "the fault can't be healed": Case(
        {"heal": "failed"},
        FAIL,
        ExitCode.UNHEALED,
        {
            "run/phases": (INCONCLUSIVE, "there was no recovery: nobody saw the platform come back"),
            "fault/1/healed": (FAIL, "is not healed: the proxy is gone; by hand: curl -X DELETE"),
        },
        "flashcrowd chaos recover",
    ),
    "nobody saw the fault heal": Case(
        {"heal": None},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {
            "run/phases": (INCONCLUSIVE, "there was no recovery"),
            "fault/1/healed": (INCONCLUSIVE, "'flashcrowd chaos status' tells whether it did"),
        },
        "run it again",
    ),
    "an objective is missed without any fault": Case(
        {"bad_outside": 0.2},
        FAIL,
        ExitCode.FAIL,
        {
            "slo/order-latency/outside": (FAIL, "20 % bad, at most 1 % allowed"),
            "expect/order-latency/recovered": (FAIL, "no recovery within 35 s"),
        },
        "Read the runbook's transcript",
        {"expect/order-latency/held"},
    ),
    "orders are lost": Case(
        {"lost": 2, "recovered": None, "control": "no-runbook"},
        FAIL,
        ExitCode.FAIL,
        {
            "invariant/lost": (FAIL, "2 accepted orders are not in the ledger"),
            "expect/order-latency/recovered": (FAIL, "no recovery within 35 s"),
            "control/no-runbook/order-latency": (PASS, "no recovery before the fault healed"),
        },
        "Look at the named orders first",
        {"expect/order-latency/held"},
    ),
    "more is sold than there was": Case(
        {"oversold": 1},
        FAIL,
        ExitCode.FAIL,
        {"invariant/oversold": (FAIL, "1 units were sold beyond the stock: 181 of 180 lipstick-01")},
        "Look at the named orders first",
    ),
    "Prometheus is lost half way": Case(
        {"prometheus_lost": 70.0},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {
            **UNCONTESTED,
            "run/complete": (INCONCLUSIVE, "aborted at 01:12 of 02:00: Prometheus is gone"),
            "slo/order-availability/outside": (INCONCLUSIVE, NO_DATA),
            "slo/order-latency/outside": (INCONCLUSIVE, NO_DATA),
            "slo/chat-delivery/outside": (INCONCLUSIVE, NO_DATA),
            "expect/order-latency/recovered": (INCONCLUSIVE, "the fault was in place for 20 s only"),
        },
        "run it again",
        {"crowd/size", "expect/order-latency/held"},
    ),
    "it is interrupted before anybody could be paged": Case(
        {"interrupted": 53.0, "paged": None},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {
            **UNCONTESTED,
            "run/complete": (INCONCLUSIVE, "interrupted at 00:55 of 02:00"),
            "expect/order-latency/detected": (INCONCLUSIVE, "but the fault was in place for 3.2 s only"),
            "expect/order-latency/runbook": (INCONCLUSIVE, "but the fault was in place for 3.2 s only"),
            "expect/order-latency/recovered": (INCONCLUSIVE, "the fault was in place for 3.2 s only"),
        },
        "run it again",
        {"expect/order-latency/held"},
    ),
    "an abort condition holds": Case(
        {"aborted": "the abort condition held for 5 s: up == 0"},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {"run/complete": (INCONCLUSIVE, "the abort condition held for 5 s: up == 0")},
        "run it again",
    ),
    "the load generator was saturated": Case(
        {"saturated": 4},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {"crowd/trust": (INCONCLUSIVE, "saturated for 4 s: its figures can't be trusted")},
        "run it again",
    ),
    "a tenth of the crowd and more stays away": Case(
        {"connected": 1799.0},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {"crowd/size": (INCONCLUSIVE, "1,799 of 2,000 viewers were connected at once")},
        "run it again",
    ),
    "the scenario enters no room": Case({"connected": 0.0}, PASS, ExitCode.PASS, {}, "", {"crowd/size"}),
    "the load generator was killed": Case(
        {"figures": False},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {"crowd/trust": (INCONCLUSIVE, "the load generator left no figures of itself")},
        "run it again",
        {"crowd/size"},
    ),
    "the ledger could not be read": Case(
        {"ledger": False},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {"invariant/orders": (INCONCLUSIVE, "the orders can't be checked: the run left no load/ledger.jsonl")},
        "run it again",
        {name for name in SOUND if name.startswith("invariant/")},
    ),
    "too little happens to judge by": Case(
        {"rate": 0.5},
        INCONCLUSIVE,
        ExitCode.INCONCLUSIVE,
        {
            name: (INCONCLUSIVE, "more events")
            for name in SOUND
            if name.startswith("slo/") or name == "expect/order-latency/held"
        },
        "run it again",
    ),
    "the control without the fault": Case(
        {"control": "no-fault", "paged": None},
        PASS,
        ExitCode.PASS,
        {"control/no-fault": (PASS, "without the fault nobody was paged")},
        "Compare it with the run without a control",
        {name for name in SOUND if name.startswith(("fault/", "expect/", "run/phases"))},
    ),
    "somebody is paged although nothing was broken": Case(
        {"control": "no-fault", "runbook": None},
        FAIL,
        ExitCode.FAIL,
        {"control/no-fault": (FAIL, "OrderLatencyBurn paged although nothing was broken")},
        "then at the timeline",
        {name for name in SOUND if name.startswith(("fault/", "expect/", "run/phases"))},
    ),
    "the control without the runbook": Case(
        {"control": "no-runbook", "recovered": None},
        FAIL,
        ExitCode.FAIL,
        {
            "expect/order-latency/recovered": (FAIL, "no recovery within 35 s"),
            "control/no-runbook/order-latency": (PASS, "no recovery before the fault healed"),
        },
        "Nothing: without its runbook it had to fail",
        {"expect/order-latency/held"},
    ),
    "it recovers without the runbook": Case(
        {"control": "no-runbook"},
        FAIL,
        ExitCode.FAIL,
        {"control/no-runbook/order-latency": (FAIL, "back within its objective 16 s after the fault, by itself")},
        "it recovered without its runbook",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_story_has_its_verdict_and_names_what_was_missed(judged, case):
    ended: Ended = judged(**case.story)
    found = {finding.name: finding for finding in ended.verdict.findings}
    assert set(found) == SOUND - case.absent | set(case.findings)
    assert len(found) == len(ended.verdict.findings)
    for name, finding in found.items():
        outcome, message = case.findings.get(name, (PASS, ""))
        assert finding.outcome is outcome, finding
        assert message in finding.message
    assert ended.verdict.outcome is case.outcome
    assert ended.exit_code is case.exit_code
    assert case.advice in sentences.next_step(ended.story, ended.verdict)


def test_an_interruption_just_now_outweighs_the_verdict_and_a_fault_in_place_both(judged):
    stopped = judged(interrupted=63.0)
    assert Ended(stopped.run, stopped.story, stopped.verdict, interrupted=True).exit_code is ExitCode.INTERRUPTED
    left = judged(interrupted=63.0, heal="failed")
    assert Ended(left.run, left.story, left.verdict, interrupted=True).exit_code is ExitCode.UNHEALED


def test_the_timeline_tells_the_story_in_order(judged):
    told = [str(moment) for moment in moments(judged().story)]
    assert told == [
        "00:00  ramp          2,000 viewers in 20 s, 2,000 connected",
        "00:30  sale, wave 1  60 of 60 sold in 3.0 s · order p99 80 ms",
        "00:50  fault         network.latency on inventory, 800 ms for 1m · bites (p50 811 ms)",
        "00:57  page          OrderLatencyBurn, 7 s after the fault",
        "00:57  runbook       order-latency: reserve-blocks (done) · recovered",
        "01:00  sale, wave 2  60 of 60 sold in 3.0 s · order p99 80 ms",
        "01:06  recovered     order-latency back within its objective, fault still on",
        "01:30  sale, wave 3  60 of 60 sold in 3.0 s · order p99 80 ms",
        "01:50  healed        network.latency on inventory · checked",
    ]


def test_viewers_that_nobody_counted_are_not_said_to_be_missing(judged):
    first = moments(judged(prometheus_lost=70.0).story)[0]
    assert first.text == "2,000 viewers in 20 s"


def test_a_runbook_that_was_kept_back_is_told_as_such(judged):
    told = [moment.text for moment in moments(judged(control="no-runbook", recovered=None).story)]
    assert "order-latency withheld: this run is its control" in told


def test_judging_again_gives_the_same_bytes(rehearsed):
    run = rehearsed(lost=12)
    gameday.judge(run.path)
    first = (run.path / "verdict.json").read_bytes()
    gameday.judge(run.path)
    assert (run.path / "verdict.json").read_bytes() == first
    lost = next(row for row in json.loads(first)["findings"] if row["name"] == "invariant/lost")
    assert lost["evidence"]["count"] == 12
    assert lost["evidence"]["orders"][0]["traceparent"].startswith("00-")


def test_the_run_of_a_load_alone_is_not_judged_as_a_game_day(tmp_path):
    run = RunDirectory.create(tmp_path, "load")
    run.write_json("manifest.json", {"run": run.name, "scenario": "live-commerce", "viewers": 5})
    with pytest.raises(InputError, match=r"is not the run of a game day: its manifest\.json names no plan"):
        gameday.judge(run.path)


@pytest.mark.parametrize("part", ["slos", "kind"])
def test_a_manifest_of_another_version_is_refused_in_one_sentence(rehearsed, part):
    run = rehearsed()
    manifest = run.read_json("manifest.json")
    (manifest if part in manifest else manifest["plan"]).pop(part)
    run.write_json("manifest.json", manifest)
    with pytest.raises(InputError, match=r"manifest\.json can't be read by this version of flashcrowd") as refused:
        gameday.judge(run.path)
    assert "\n" not in str(refused.value)


def test_a_folder_without_manifest_is_not_a_run_directory(tmp_path):
    with pytest.raises(InputError, match="is not a run directory"):
        gameday.judge(tmp_path)


def test_two_faults_that_hit_one_slo_have_findings_of_their_own(rehearsed):
    run = rehearsed()
    manifest = run.read_json("manifest.json")
    manifest["plan"]["spec"]["steps"] *= 2
    run.write_json("manifest.json", manifest)
    names = [finding.name for finding in gameday.judge(run.path).verdict.findings]
    assert len(names) == len(set(names))
    assert {"expect/1/order-latency/recovered", "expect/2/order-latency"} <= set(names)
