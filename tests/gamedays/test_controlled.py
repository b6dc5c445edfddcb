from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flashcrowd.errors import ExitCode, InputError, NeedError
from flashcrowd.verdict import Outcome
from gamedays import controlled, gameday
from gamedays.gameday import Ended
from gamedays.planning.checks import Prepared, prepare

ALL = ("no-fault", "no-runbook", "wrong-runbook")
PLAN = """apiVersion: flashcrowd/v1
kind: GameDay
metadata: {{name: friday}}
spec:
  target: embedded
  slos: [storefront]
  load: {{scenario: live-commerce, viewers: 2000, over: 20s, hold: 100s}}
  steps:
    - at: 50s
      fault: {{kind: network.latency, on: inventory, delay: 800ms, for: 60s}}
      expect: {{slo: order-latency, detected_within: 20s, runbook: order-latency, recovered_within: 35s}}
  controls: [{controls}]
"""
STAYED = {
    "no-fault": {"control": "no-fault", "paged": None},
    "no-runbook": {"control": "no-runbook", "recovered": None},
    "wrong-runbook": {"control": "wrong-runbook", "recovered": None, "runbook": "order-errors"},
}


@dataclass
class Stage:
    """Where plans are played in no time: what comes of each is told beforehand. played: their controls, in order."""

    rehearse: Any
    told: dict[str | None, Any] = field(default_factory=lambda: {None: {}, **STAYED})
    interrupted: str | None = None
    played: list[Prepared] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def play(self, prepared: Prepared, out: Path, screen: object) -> Ended:
        self.played.append(prepared)
        story = self.told[prepared.control]
        if isinstance(story, Exception):
            raise story
        ended = gameday.judge(self.rehearse(out, **story).path)
        over = prepared.control == self.interrupted and self.interrupted is not None
        return Ended(ended.run, ended.story, ended.verdict, interrupted=over)

    @contextmanager
    def display(self, prepared: Prepared) -> Iterator[None]:
        yield


@pytest.fixture
def stage(rehearsed_in, monkeypatch) -> Stage:
    stage = Stage(rehearsed_in)
    monkeypatch.setattr(gameday, "play", stage.play)
    return stage


@pytest.fixture
def plan(tmp_path):
    def write(*controls: str) -> Prepared:
        file = tmp_path / "plan.yaml"
        file.write_text(PLAN.format(controls=", ".join(controls)))
        return prepare(str(file))

    return write


async def play(stage: Stage, prepared: Prepared, out: Path) -> Ended:
    return await controlled.play(prepared, out, stage.display, stage.said.append)


def doubts(ended: Ended) -> dict[str, str]:
    return {one.name: one.message for one in ended.verdict.of(Outcome.INCONCLUSIVE)}


async def test_a_plan_and_its_controls_pass_together_when_each_shows_what_it_should(stage, plan, tmp_path):
    ended = await play(stage, plan(*ALL), tmp_path / "runs")
    assert [prepared.control for prepared in stage.played] == [None, *ALL]
    assert stage.said == [
        "control 1 of 3: no-fault, 60 s",
        "control 2 of 3: no-runbook, 2 min",
        "control 3 of 3: wrong-runbook, 2 min",
    ]
    assert [control.control for control in ended.story.controls] == sorted(ALL)
    assert ended.exit_code is ExitCode.PASS, ended.verdict.of(Outcome.FAIL)
    assert "control/wrong-runbook/order-latency" in {one.name for one in ended.verdict.of(Outcome.PASS)}
    assert "gets the credit in 1 of 1" in (ended.run.path / "report.md").read_text()


async def test_a_control_that_recovers_by_itself_fails_the_whole(stage, plan, tmp_path):
    stage.told["no-runbook"] = {"control": "no-runbook"}
    ended = await play(stage, plan(*ALL), tmp_path / "runs")
    assert [one.name for one in ended.verdict.of(Outcome.FAIL)] == ["control/no-runbook/order-latency"]
    assert ended.exit_code is ExitCode.FAIL


async def test_ctrl_c_in_a_control_ends_the_rest_and_tells_what_there_is(stage, plan, tmp_path):
    stage.told["no-runbook"] = {**STAYED["no-runbook"], "interrupted": 70.0}
    stage.interrupted = "no-runbook"
    ended = await play(stage, plan(*ALL), tmp_path / "runs")
    assert [prepared.control for prepared in stage.played] == [None, "no-fault", "no-runbook"]
    assert ended.exit_code is ExitCode.INTERRUPTED
    assert set(doubts(ended)) == {"control/no-runbook/order-latency", "control/wrong-runbook"}
    assert doubts(ended)["control/wrong-runbook"].endswith("not played: no-runbook was interrupted")
    assert (ended.run.path / "report.html").exists()
    again = gameday.judge(ended.run.path)
    assert again.verdict == ended.verdict


@pytest.mark.parametrize(
    ("story", "why"),
    [
        ({"aborted": "too hot"}, "the game day was aborted"),
        ({"heal": "failed"}, "the game day left a fault in place"),
    ],
)
async def test_no_control_begins_where_the_game_day_did_not_end_well(stage, plan, tmp_path, story, why):
    stage.told[None] = story
    ended = await play(stage, plan(*ALL), tmp_path / "runs")
    assert len(stage.played) == 1
    assert all(doubts(ended)[f"control/{name}"].endswith(why) for name in ALL)


async def test_a_control_that_cannot_be_started_is_a_doubt_with_its_reason(stage, plan, tmp_path):
    stage.told["no-runbook"] = NeedError("prometheus not found on PATH")
    ended = await play(stage, plan("no-runbook", "no-fault"), tmp_path / "runs")
    assert len(stage.played) == 2
    assert doubts(ended)["control/no-fault"].endswith("no-runbook: prometheus not found on PATH")
    assert ended.exit_code is ExitCode.INCONCLUSIVE


def test_what_cannot_be_played_is_said_before_anything_is_started(plan):
    with pytest.raises(InputError, match=r"has no controls to play; add to its spec, controls: \[no-fault"):
        controlled.check(plan())
    with pytest.raises(InputError, match="give one of the two"):
        controlled.check(prepare("flash-sale-rehearsal", "no-fault"))
    controlled.check(plan(*ALL))
