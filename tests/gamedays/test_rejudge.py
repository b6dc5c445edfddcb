"""Judging again from a run directory, of a game day and of a load alone, and draws in a plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_books import SKU, entry, record

from flashcrowd.errors import DocumentError, ExitCode, InputError
from flashcrowd.rundir import RunDirectory
from gamedays import gameday
from gamedays.planning import timetable
from gamedays.verbs import rejudge
from loadtests.entries import EntryRecord
from loadtests.entries import file_of as entries_of
from loadtests.history import HistoryWriter, file_of
from loadtests.jsonlines import LinesWriter, encode

PLAN = """
apiVersion: flashcrowd/v1
kind: GameDay
metadata: {{name: friday}}
spec:
  target: {target}
  slos: [storefront]
  load: {{scenario: live-commerce, viewers: 200, over: 5s, hold: 25s}}
  sale: {{opens_at: [10s], sku: lipstick-01, stock: 60, limit: 2}}
  draw: {{opens_at: {opens_at}, closes_after: 8s, prizes: {prizes}}}
"""


@pytest.fixture
def load(tmp_path: Path) -> RunDirectory:
    """A load that is over: 3 units on sale, 120 viewers who wanted one; a draw of two prizes."""
    run = RunDirectory.create(tmp_path, "load")
    run.write_json("manifest.json", {"run": run.name, "scenario": "flash-sale", "viewers": 120, "orders": True})
    run.record("sale", "opened", at=9.0, sku=SKU, stock=3, sale_id="s", wave=1)
    draw = {"draw_id": "d", "prizes": ["cup", "mug"], "opens_at": 9.0, "closes_at": 12.0}
    run.record("draw", "opened", at=9.0, **draw)
    run.record("ledger", "read", settled=True, orders=3)
    figures = {"orders": {}, "deliveries": {}, "lag_p99": 0.005, "saturated_seconds": 0}
    run.write_json("load/summary.json", figures)
    request = {"name": "order", "method": "POST", "num_requests": 120, "num_failures": 0, "response_times": {"9": 120}}
    run.write_json("load/stats.json", [request])
    history = HistoryWriter(file_of(run.path / "load", 0))
    for number in range(120):
        history.add(record(str(number)) if number < 3 else record(str(number), "rejected", "sold_out"))
    history.flush()
    run.write_text("load/ledger.jsonl", encode([entry(str(number), sale_id="s") for number in range(3)]).decode())
    entries = LinesWriter[EntryRecord](entries_of(run.path / "load", 0))
    for user, prize in (("a", "cup"), ("b", "mug"), ("c", "")):
        entries.add(EntryRecord(10.0, 13.0, "d", user, "entered", True, prize, 200, "00"))
    entries.flush()
    run.write_text("load/draw-ledger.jsonl", "".join(f'{{"draw":"d","user":"{u}","prize":"{p}"}}\n' for u, p in WON))
    return run


WON = (("a", "cup"), ("b", "mug"))


def test_a_load_alone_is_judged_again_from_its_directory(load):
    first = rejudge.judge(load.path)
    assert first.exit_code is ExitCode.PASS, first.verdict
    before = (load.path / "verdict.json").read_bytes()
    assert "invariant/draw-once" in rejudge.summary(first, as_json=False)
    assert json.loads(rejudge.summary(rejudge.judge(load.path), as_json=True))["outcome"] == "pass"
    assert (load.path / "verdict.json").read_bytes() == before


def test_what_the_evidence_lacks_is_told(load):
    (load.path / "load" / "draw-ledger.jsonl").unlink()
    (load.path / "load" / "stock.json").write_text("[{}]")
    found = {finding.name: finding.message for finding in rejudge.judge(load.path).verdict.findings}
    assert found["invariant/draws"].startswith("the draws can't be checked: the run left no load/draw-ledger.jsonl")
    assert "stock.json is damaged: Object missing required field `sku`" in found["invariant/orders"]


def test_an_interrupted_load_stays_interrupted(load):
    load.record("load", "interrupted")
    assert rejudge.judge(load.path).exit_code is ExitCode.INTERRUPTED


def test_a_game_day_is_judged_as_one_and_another_folder_is_refused(rehearsed, tmp_path):
    run = rehearsed()
    assert rejudge.judge(run.path).verdict == gameday.judge(run.path).verdict
    assert "friday" in rejudge.summary(rejudge.judge(run.path), as_json=False)
    with pytest.raises(InputError, match="is not a run directory"):
        rejudge.judge(tmp_path)


def test_a_plan_may_hold_a_draw_and_its_timeline_shows_it(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN.format(target="embedded", opens_at="[12s, 18s]", prizes="[cup, mug]"))
    text = timetable.text(gameday.prepare(str(file)))
    assert "00:12  draw          2 prizes, entries for 8" in text
    assert "00:18  draw" in text


def test_a_draw_that_can_not_be_is_told_with_all_else(tmp_path):
    (tmp_path / "target.yaml").write_text(
        "apiVersion: flashcrowd/v1\nkind: Target\nmetadata: {name: staging}\n"
        "spec: {environment: test, allow_hosts: [127.0.0.1], max_viewers: 900}\n"
    )
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN.format(target="target.yaml", opens_at="[12s, 23s, 40s]", prizes="0"))
    with pytest.raises(DocumentError) as refused:
        gameday.prepare(str(file))
    told = str(refused.value)
    assert "spec.draw: the target can't schedule a draw: it has no spec.draw.draws" in told
    assert "spec.draw.opens_at[1]: 23s closes after the end of the load" in told
    assert "spec.draw.opens_at[2]: 40s is not before the end of the load" in told
    assert "spec.draw.prizes" in told
