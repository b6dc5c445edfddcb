"""What becomes of mitigations once their fault has healed, or never does, as reports and verdicts tell it."""

from __future__ import annotations

import pytest

from flashcrowd.rundir import RunDirectory
from flashcrowd.verdict import Outcome
from gamedays import gameday
from gamedays.report import terminal
from gamedays.report.moments import moments
from gamedays.report.sentences import left_in_place, next_step

START = 1_800_000_000.0
BY_HAND = "flashcrowd runbook run order-latency --rollback a.jsonl"


@pytest.fixture
def standing(rehearsed):
    """A rehearsal at a target that goes on running after it."""

    def write(**story: object) -> RunDirectory:
        run = rehearsed(**story)
        run.write_json("manifest.json", {**run.read_json("manifest.json"), "target": {"metadata": {"name": "staging"}}})
        return run

    return write


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ({"stood_down": "done"}, None),
        ({"stood_down": "failed"}, BY_HAND),
        ({"interrupted": 80.0, "heal": None}, "reserve-blocks (order-latency) is still in effect at staging"),
        ({"recovered": None}, None),
    ],
    ids=["taken back", "it could not be", "the run ended before", "the runbook rolled it back itself"],
)
def test_the_last_screen_says_what_is_still_in_effect(standing, story, said):
    ended = gameday.judge(standing(**story).path)
    left = left_in_place(ended.story)
    assert (said is None) == (left is None)
    assert said is None or said in left
    assert ("\n  Left " in terminal.write(ended.story, ended.verdict)) == (said is not None)


def test_nothing_is_left_of_a_target_that_ends_with_the_run(judged):
    assert left_in_place(judged(interrupted=80.0, heal=None).story) is None


def test_the_verdict_tells_whether_the_way_back_works(judged):
    def finding(**story: object) -> tuple[Outcome, str]:
        found = judged(**story).verdict.findings
        return next((one.outcome, one.message) for one in found if one.name == "runbook/order-latency/taken-back")

    assert finding(stood_down="done") == (Outcome.PASS, "reserve-blocks taken back after its fault had healed")
    outcome, message = finding(stood_down="failed")
    assert outcome is Outcome.FAIL
    assert message == f"reserve-blocks could not be taken back: no answer within 15s; by hand: {BY_HAND}"


def test_the_timeline_has_the_all_clear(judged):
    def told(**story: object) -> list[str]:
        return [str(moment) for moment in moments(judged(**story).story)]

    assert told(stood_down="done")[-1] == "01:50  all clear     order-latency: reserve-blocks taken back"
    assert "LEFT          order-latency: reserve-blocks could not be taken back" in told(stood_down="failed")[-1]


def test_until_it_is_taken_back_the_platform_is_not_as_it_was(judged):
    (alone,), (with_it,) = judged().story.windows, judged(stood_down="failed").story.windows
    assert with_it == (alone[0], alone[1] + 15)


def test_what_a_later_try_took_back_is_not_left(rehearsed):
    run = rehearsed(stood_down="failed")
    about = {"runbook": "order-latency", "since": START + 126, "kept": [], "taken_back": ["reserve-blocks"]}
    run.record("runbook", "stood_down", at=START + 126, **about)
    found = {one.name: one.outcome for one in gameday.judge(run.path).verdict.findings}
    assert found["runbook/order-latency/taken-back"] is Outcome.PASS


def test_what_a_control_left_in_place_fails_the_game_day(with_controls):
    run = with_controls({"control": "wrong-runbook", "recovered": None, "stood_down": "failed"})
    ended = gameday.judge(run.path)
    (found,) = [one for one in ended.verdict.of(Outcome.FAIL) if one.name.endswith("/taken-back")]
    assert found.name == "control/wrong-runbook/runbook/order-latency/taken-back"
    assert BY_HAND in found.message
    assert next_step(ended.story, ended.verdict).startswith("Take back by hand what is still in place")
